import { readFile, stat } from "node:fs/promises";
import type { Clock } from "../core/ports/clock.ts";
import { downloadKeySet, maxKeySetBytes } from "./download.ts";
import {
  type Algorithm,
  fileEntries,
  importEntries,
  jwksEntries,
  type KeySet,
  type VerificationKey,
} from "./key-set.ts";

/** The source of the keys that verify tokens. */
export type KeySource =
  | { readonly type: "url"; readonly url: string; readonly refreshMs: number }
  /** JWKS or PEM. Read again like an address, so that a mounted secret can be rotated. */
  | { readonly type: "file"; readonly path: string; readonly refreshMs: number }
  | { readonly type: "given"; readonly keys: readonly Readonly<Record<string, unknown>>[] };

/** The keys cannot be read at present. Operators learn the cause (`onFailure`), the sender of the token does not. */
export class KeysUnavailable extends Error {
  constructor() {
    super("the keys that verify tokens cannot be read at present");
  }
}

/** The pause between two reads that tokens cause, and between two attempts after a failure. */
const pauseMs = 5_000;
/** Reading a file is cheap, so a key that was removed from it is refused soon. */
const longestFileRefreshMs = 30_000;

type Header = { readonly alg: Algorithm; readonly kid: string | null };

/**
 * The keys of one source, in memory. Reads them at once, then every `refreshMs` (files: at least every 30 s). After a
 * failure it tries every 5 s and keeps using the keys of the last good read. A token whose key is unknown or whose
 * signature does not verify causes one read per 5 s at most, which all such tokens share. A key that is gone from the
 * source is refused from the next read on; open sockets live on until their token expires or is revoked.
 */
export class Keys {
  readonly #source: KeySource;
  readonly #clock: Clock;
  readonly #onFailure: (reason: string) => void;
  readonly #onRead: (ignored: readonly string[]) => void;
  readonly #firstRead = Promise.withResolvers<void>();
  #known: readonly VerificationKey[] | null = null;
  #reading: Promise<void> | null = null;
  #lastAttemptMs = Number.NEGATIVE_INFINITY;
  /** Before the first good read: when this object was created. */
  #lastGoodMs: number;
  #failure: string | null = null;
  #cancelRefresh: () => void = () => {};
  #stopped = false;

  constructor(options: {
    readonly source: KeySource;
    readonly clock: Clock;
    /** Called for each read that failed; at most once per 5 s. */
    readonly onFailure: (reason: string) => void;
    /** Called for each good read, with one text per entry that is not used. */
    readonly onRead?: (ignored: readonly string[]) => void;
  }) {
    this.#source = options.source;
    this.#clock = options.clock;
    this.#onFailure = options.onFailure;
    this.#onRead = options.onRead ?? (() => {});
    this.#lastGoodMs = options.clock.monotonicMs();
    void this.#read();
  }

  /** What the process waits for before it can verify tokens, in words. Null once the keys were read, also when a later read fails. */
  get waitsFor(): string | null {
    if (this.#known !== null) return null;
    return this.#failure === null ? "the keys that verify tokens" : `the keys: ${this.#failure}`;
  }

  /** The first read is under way. */
  get isStarting(): boolean {
    return this.#known === null && this.#failure === null;
  }

  /** Milliseconds since the last good read, or since the start if there was none. 0 for given keys. */
  get ageMs(): number {
    return this.#source.type === "given" ? 0 : this.#clock.monotonicMs() - this.#lastGoodMs;
  }

  /** Resolves with the first good read. */
  get firstRead(): Promise<void> {
    return this.#firstRead.promise;
  }

  /**
   * Returns the keys that may have signed a token with this header; none: the key is unknown. Waits for a read under way, at
   * most 3 s.
   * @throws KeysUnavailable when no keys could be read, or the key is unknown and the source does not answer.
   */
  async find(header: Header): Promise<readonly VerificationKey[]> {
    const known = this.#matching(header);
    if (known.length > 0) return known;
    await this.#readUnlessRecent();
    const found = this.#matching(header);
    if (found.length === 0 && this.#failure !== null) throw new KeysUnavailable();
    return found;
  }

  /**
   * For a token that none of the `tried` keys verifies: the publisher may have put another key under the same id. Reads again
   * unless that was done within 5 s, and returns the fitting keys that were not tried. Never throws.
   */
  async findOthers(header: Header, tried: readonly VerificationKey[]): Promise<readonly VerificationKey[]> {
    await this.#readUnlessRecent();
    const materials = new Set(tried.map(({ material }) => material));
    return this.#matching(header).filter(({ material }) => !materials.has(material));
  }

  stop(): void {
    this.#stopped = true;
    this.#cancelRefresh();
  }

  #matching(header: Header): readonly VerificationKey[] {
    return (this.#known ?? []).filter(
      ({ algorithm, kid }) =>
        algorithm === header.alg && (header.kid === null || kid === null || kid === header.kid),
    );
  }

  async #readUnlessRecent(): Promise<void> {
    const isRecent = this.#clock.monotonicMs() - this.#lastAttemptMs < pauseMs;
    if (!this.#reading && (isRecent || this.#stopped || this.#source.type === "given")) return;
    await this.#read();
  }

  /** Never throws. */
  #read(): Promise<void> {
    this.#reading ??= this.#readNow().finally(() => {
      this.#reading = null;
      this.#refreshLater();
      if (this.#known !== null) this.#firstRead.resolve();
    });
    return this.#reading;
  }

  async #readNow(): Promise<void> {
    this.#lastAttemptMs = this.#clock.monotonicMs();
    this.#cancelRefresh();
    try {
      const { keys, ignored } = await readKeys(this.#source, this.#clock);
      this.#known = keys;
      this.#failure = null;
      this.#lastGoodMs = this.#clock.monotonicMs();
      this.#onRead(ignored);
    } catch (error) {
      this.#failure = error instanceof Error ? error.message : String(error);
      this.#onFailure(this.#failure);
    }
  }

  #refreshLater(): void {
    if (this.#stopped || this.#source.type === "given") return;
    const delayMs = this.#failure === null ? refreshMsOf(this.#source) : pauseMs;
    this.#cancelRefresh = this.#clock.after(delayMs, () => void this.#read());
  }
}

function refreshMsOf({ type, refreshMs }: Exclude<KeySource, { readonly type: "given" }>): number {
  return type === "file" ? Math.min(refreshMs, longestFileRefreshMs) : refreshMs;
}

/** @throws Error that names the setting of the source and what is wrong with it. */
export async function readKeys(source: KeySource, clock: Clock): Promise<KeySet> {
  const name = { url: "JWT_JWKS_URL", file: "JWT_PUBLIC_KEYS_FILE", given: "the given keys" }[source.type];
  try {
    return await importEntries(await entriesOf(source, clock));
  } catch (error) {
    throw new Error(`${name}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

async function entriesOf(source: KeySource, clock: Clock): Promise<readonly unknown[]> {
  if (source.type === "given") return source.keys;
  return source.type === "url"
    ? jwksEntries(await downloadKeySet(source.url, clock))
    : fileEntries(await load(source.path));
}

/** Reads a file. A pipe or a device is refused, because it might never end. */
async function load(path: string): Promise<string> {
  const found = await stat(path);
  if (!found.isFile()) throw new Error("is not a file");
  if (found.size > maxKeySetBytes) throw new Error(`has more than ${maxKeySetBytes} bytes`);
  return readFile(path, "utf8");
}
