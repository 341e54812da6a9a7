import { hostname } from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import type { Logger } from "../../telemetry/logger.ts";
import { writeAccess } from "./access.ts";
import { heldByAnother } from "./adopt.ts";
import { carriedMajor } from "./carried.ts";
import { connectionAt, type EmbeddedConnection, superuserAt, urlOf } from "./connection.ts";
import { hasDatabase, prepareDataDirectory, refusalOf, refuseOtherMajor } from "./data-directory.ts";
import { userText } from "./database-user.ts";
import { askHoldersToEnd, endHoldersNow, killHolders, waitForLock } from "./end-holders.ts";
import { FileLock } from "./file-lock.ts";
import { initialize } from "./initialize.ts";
import type { Layout } from "./layout.ts";
import { mountOf } from "./mount.ts";
import { Orphans } from "./orphans.ts";
import { boundPostgresLog, lastLogLines } from "./postgres-log.ts";
import { EmbeddedRefusal } from "./refusal.ts";
import { databaseName } from "./role-names.ts";
import { prepareRoles } from "./roles.ts";
import { chooseRunAs } from "./run-as.ts";
import { type Server, type ServerPlace, startServer, waitUntilReady } from "./server.ts";
import { makeSocketDirectory, removeSocketDirectory } from "./socket-directory.ts";
import { removeOtherTrees, unpackTree } from "./unpack.ts";

/** A fast shutdown writes its checkpoint in this time, else the WAL is read again at the next start. */
const orphanTimeoutMs = 1_500;
const immediateTimeoutMs = 2_000;
const exitTimeoutMs = 5_000;
const defaultStopTimeoutMs = 10_000;
const firstBackoffMs = 50;
const longestBackoffMs = 5_000;
const logCheckMs = 60_000;

/** What is told to operators. */
type EmbeddedLogger = Pick<Logger, "info" | "warn" | "error">;

export interface EmbeddedOptions {
  readonly dataDir: string;
  readonly logger: EmbeddedLogger;
  /** Who it runs as when root starts it: an account or a number. Left out, one is chosen. */
  readonly user?: string | null;
  /** Gives up a start; a crash recovery may take long. */
  readonly signal?: AbortSignal;
  /** The server died under us; connections are lost until `onUp`. */
  readonly onDown?: () => void;
  /** It accepts connections again. */
  readonly onUp?: () => void;
}

/**
 * The PostgreSQL that the executable carries, on a data directory that is ours alone while this lives.
 *
 * Two locks: `owner.lock` is held by this process alone; `postgres.lock` is inherited by the server, so that it is free only
 * when its last backend is gone. Owner free and postgres held is an orphan of a kill -9: ended, never adopted.
 */
export class EmbeddedPostgres {
  readonly connection: EmbeddedConnection;
  /** As the role that may do nothing outside of the database. */
  readonly url: string;
  /** The same database with every right. */
  readonly superuserUrl: string;
  readonly #place: ServerPlace;
  readonly #options: EmbeddedOptions;
  readonly #owner: FileLock;
  readonly #life = new AbortController();
  readonly #logCheck: NodeJS.Timeout;
  readonly #orphans = new Orphans(() => [this.#server.child.pid ?? 0]);
  readonly #onExit = () => endNow(this.#place.layout);
  #server: Server;
  #watching: Promise<void> = Promise.resolve();
  #stopping: Promise<void> | undefined;

  private constructor(parts: {
    options: EmbeddedOptions;
    place: ServerPlace;
    owner: FileLock;
    server: Server;
  }) {
    this.#options = parts.options;
    this.#place = parts.place;
    this.#owner = parts.owner;
    this.#server = parts.server;
    this.connection = connectionAt(parts.place.socketDirectory);
    this.url = urlOf(this.connection);
    this.superuserUrl = urlOf(superuserAt(parts.place.socketDirectory, databaseName));
    this.#logCheck = setInterval(() => this.#boundLog(), logCheckMs);
    this.#logCheck.unref();
    process.on("exit", this.#onExit);
    this.#watching = this.#watch();
  }

  /**
   * Unpacks, takes the locks, ends an orphan, makes the database where there is none, starts the server and returns when it accepts
   * connections. Throws `EmbeddedRefusal` with nothing left running.
   */
  static async start(options: EmbeddedOptions): Promise<EmbeddedPostgres> {
    const layout = prepareDataDirectory(options.dataDir);
    warnOfMount(layout, options.logger);
    const owner = takeOwnership(layout);
    const onExit = () => endNow(layout);
    process.on("exit", onExit);
    try {
      const { place, server } = await startOwned(layout, options);
      return new EmbeddedPostgres({ options, place, owner, server });
    } catch (error) {
      removeSocketDirectory(layout);
      owner.release();
      throw refusalOf(error, layout.root);
    } finally {
      process.off("exit", onExit);
    }
  }

  /**
   * Last of all: a fast shutdown, after `timeoutMs` an immediate one, at the end SIGKILL; then the locks are free and nothing
   * of it is left but the data. May be called more than once, also for a server that is gone already. Throws `held_elsewhere`
   * when a process does not even end by SIGKILL.
   */
  stop(timeoutMs = defaultStopTimeoutMs): Promise<void> {
    this.#stopping ??= this.#stop(timeoutMs);
    return this.#stopping;
  }

  async #stop(timeoutMs: number): Promise<void> {
    const { layout } = this.#place;
    this.#life.abort();
    clearInterval(this.#logCheck);
    this.#orphans.stop();
    try {
      const lock = await endServer(layout, timeoutMs);
      // A restart that waits for the lock gets it, sees that life is over, and gives it back.
      lock.release();
      await this.#watching;
      removeSocketDirectory(layout);
    } finally {
      process.off("exit", this.#onExit);
      this.#owner.release();
    }
  }

  async #watch(): Promise<void> {
    while (!this.#life.signal.aborted) {
      const how = await this.#server.ended;
      if (this.#life.signal.aborted) return;
      this.#tell(() => this.#tellDown(how));
      await this.#restart();
    }
  }

  #tellDown(how: string): void {
    const lastWords = lastLogLines(this.#place.layout);
    this.#options.logger.error("embedded_postgres_ended", { how, lastWords });
    this.#options.onDown?.();
  }

  #tellUp(tookMs: number): void {
    this.#options.logger.info("embedded_postgres_restarted", { tookMs });
    this.#options.onUp?.();
  }

  /** Whatever a listener does with it, the server goes on being watched. */
  #tell(tell: () => void): void {
    try {
      tell();
    } catch (error) {
      this.#options.logger.error("internal_error", { where: "telling of the embedded PostgreSQL", error });
    }
  }

  async #restart(): Promise<void> {
    let backoffMs = firstBackoffMs;
    while (!this.#life.signal.aborted) {
      if (await this.#tryRestart()) return;
      await delay(backoffMs, undefined, { signal: this.#life.signal }).catch(() => {});
      backoffMs = Math.min(longestBackoffMs, backoffMs * 2);
    }
  }

  /** What the dead postmaster left, busy backends, would keep the next one from the shared memory: they are ended first. */
  async #tryRestart(): Promise<boolean> {
    const startedMs = performance.now();
    try {
      const lock = await killHolders(this.#place.layout.postgresLock);
      this.#orphans.reap();
      if (this.#life.signal.aborted) {
        lock.release();
        return false;
      }
      this.#server = startServer(this.#place, lock);
      await waitUntilReady(this.#server, this.#place, this.#life.signal);
      const tookMs = Math.round(performance.now() - startedMs);
      this.#tell(() => this.#tellUp(tookMs));
      return true;
    } catch (error) {
      if (!this.#life.signal.aborted)
        this.#options.logger.error("embedded_postgres_not_restarted", { reason: String(error) });
      return false;
    }
  }

  #boundLog(): void {
    try {
      boundPostgresLog(this.#place.layout);
    } catch (error) {
      this.#options.logger.warn("embedded_postgres_log_unbounded", { reason: String(error) });
    }
  }
}

/** For a process that exits without a stop: nothing but the data stays behind. */
function endNow(layout: Layout): void {
  endHoldersNow(layout.postgresLock, exitTimeoutMs);
  removeSocketDirectory(layout);
}

function takeOwnership(layout: Layout): FileLock {
  const owner = FileLock.tryTake(layout.ownerLock, "write");
  if (owner === null) throw heldByAnother(layout);
  owner.describe(`process ${process.pid} on ${hostname()}`);
  return owner;
}

async function startOwned(
  layout: Layout,
  { logger, user = null, signal = new AbortController().signal }: EmbeddedOptions,
): Promise<{ place: ServerPlace; server: Server }> {
  let lock = await takePostgresLock(layout, logger);
  try {
    if (hasDatabase(layout)) refuseOtherMajor(layout, carriedMajor);
    removeOtherTrees(layout.root);
    const tree = await unpackTree(layout.root);
    const runAs = chooseRunAs(layout, tree, user);
    await initialize({ layout, tree, runAs, lockFd: lock.fd });
    writeAccess(layout, runAs);
    const place = { layout, tree, runAs, socketDirectory: makeSocketDirectory(layout, runAs) };
    const server = startServer(place, lock);
    await waitUntilReady(server, place, signal);
    await prepareRoles(place.socketDirectory);
    logger.info("embedded_postgres_started", ownersOf(place));
    return { place, server };
  } catch (error) {
    lock.release();
    lock = await killHolders(layout.postgresLock);
    throw error;
  } finally {
    lock.release();
  }
}

/** Who owns what, for operators. */
function ownersOf({ layout, runAs }: ServerPlace): Record<string, string> {
  const service = userText(process.getuid?.() ?? runAs.owner.uid);
  const postgres = userText(runAs.owner.uid);
  return { directory: layout.root, directoryOwner: service, databaseOwner: postgres, runsAs: postgres };
}

async function takePostgresLock(layout: Layout, logger: EmbeddedLogger): Promise<FileLock> {
  const free = FileLock.tryTake(layout.postgresLock);
  if (free !== null) return free;
  logger.warn("embedded_postgres_orphaned", { directory: layout.root });
  askHoldersToEnd(layout.postgresLock);
  return (await waitForLock(layout.postgresLock, orphanTimeoutMs)) ?? killHolders(layout.postgresLock);
}

async function endServer(layout: Layout, timeoutMs: number): Promise<FileLock> {
  askHoldersToEnd(layout.postgresLock);
  const fast = await waitForLock(layout.postgresLock, timeoutMs);
  if (fast !== null) return fast;
  askHoldersToEnd(layout.postgresLock, "SIGQUIT");
  return (await waitForLock(layout.postgresLock, immediateTimeoutMs)) ?? killHolders(layout.postgresLock);
}

function warnOfMount(layout: Layout, logger: EmbeddedLogger): void {
  const mount = mountOf(layout.root);
  if (mount === null) return;
  if (mount.options.includes("noexec")) throw noexec(layout, mount.point);
  if (mount.type !== "overlay" && mount.type !== "tmpfs" && mount.type !== "ramfs") return;
  logger.warn("forgetful_data_directory", { directory: layout.root, fileSystem: mount.type });
}

function noexec(layout: Layout, mountPoint: string): EmbeddedRefusal {
  return new EmbeddedRefusal({
    code: "noexec",
    directory: layout.root,
    problem: `programs may not run on ${mountPoint} (mounted noexec), and PostgreSQL is unpacked there`,
    wayOut: "Put WHISPR_DATA_DIR on a file system without noexec, remount it with exec, or set DATABASE_URL",
  });
}
