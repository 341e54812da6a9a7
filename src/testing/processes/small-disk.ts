import { mkdirSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { canHide, isRoot } from "./isolated-binary.ts";

const mebi = 1 << 20;

/** A disk of a process of its own: mounted in its mount namespace, so that it goes with the process, however that ends. */
export class SmallDisk {
  readonly directory: string;
  readonly #sizeMib: number;
  #pid = 0;

  constructor(options: { readonly directory: string; readonly sizeMib: number }) {
    this.directory = options.directory;
    this.#sizeMib = options.sizeMib;
    mkdirSync(options.directory, { recursive: true });
  }

  /** Whether this machine lets us mount; some containers do not. */
  static get isPossible(): boolean {
    return canHide;
  }

  /** What makes a command see it. */
  commandOf(command: readonly string[]): readonly string[] {
    const user = isRoot ? [] : ["--map-root-user"];
    const script = `mount -t tmpfs -o size=${this.#sizeMib}m none "$0" && exec "$@"`;
    const namespace = ["unshare", "--mount", "--propagation", "private", ...user, "--"];
    return [...namespace, "sh", "-c", script, this.directory, ...command];
  }

  /** The process that sees it. */
  attach(pid: number): void {
    this.#pid = pid;
  }

  get freeMib(): number {
    const { bavail, bsize } = statfsSync(this.#seen);
    return (bavail * bsize) / mebi;
  }

  /** Leaves that much. */
  fill(leftMib: number): void {
    const pieces = Math.max(0, Math.floor(this.freeMib - leftMib));
    writeFileSync(this.#filling, new Uint8Array(pieces * mebi));
  }

  free(): void {
    rmSync(this.#filling, { force: true });
  }

  get #seen(): string {
    return `/proc/${this.#pid}/root${this.directory}`;
  }

  get #filling(): string {
    return join(this.#seen, "filling");
  }
}
