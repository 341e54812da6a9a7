import type { Clock } from "../core/ports/clock.ts";
import type { Observer } from "../core/ports/observer.ts";
import { isReadInPlaintext } from "./download.ts";
import type { KeySource } from "./jwks.ts";
import { listed } from "./key-set.ts";

/** How often the same reason is logged again. */
const sayAgainMs = 5 * 60_000;
/** Longer than the observer's own pause (10 s), which suppresses earlier lines. */
const pauseMs = 15_000;

/** Reports to operators whether the keys can be read: a line when that changes, and few while it does not. */
export class KeysReport {
  readonly #observer: Pick<Observer, "warn" | "note">;
  readonly #clock: Pick<Clock, "monotonicMs">;
  /** The reason of the last failure; null: the last read succeeded. */
  #reason: string | null = null;
  #writtenMs = Number.NEGATIVE_INFINITY;
  #ignored: ReadonlySet<string> = new Set();

  constructor(options: {
    readonly observer: Pick<Observer, "warn" | "note">;
    readonly clock: Pick<Clock, "monotonicMs">;
  }) {
    this.#observer = options.observer;
    this.#clock = options.clock;
  }

  /** Warns if others can change the keys on their way here. */
  begins(source: KeySource): void {
    if (source.type === "url" && isReadInPlaintext(source.url))
      this.#observer.warn("keys_in_plaintext", { host: new URL(source.url).host });
  }

  /** Writes the first failure at once, another reason within 15 s, and the same one every 5 minutes. */
  failed(reason: string): void {
    const nowMs = this.#clock.monotonicMs();
    const waitMs = this.#reason === reason ? sayAgainMs : pauseMs;
    if (nowMs - this.#writtenMs < waitMs) return;
    this.#reason = reason;
    this.#writtenMs = nowMs;
    this.#observer.warn("keys_read_failed", { reason });
  }

  /** Names each entry that is not used once, and again only after it was gone in between. */
  read(ignored: readonly string[]): void {
    if (this.#reason !== null) this.#observer.note("keys_read_again");
    this.#reason = null;
    const fresh = ignored.filter((text) => !this.#ignored.has(text));
    this.#ignored = new Set(ignored);
    if (fresh.length > 0)
      this.#observer.warn("keys_ignored", { count: fresh.length, entries: listed(fresh) });
  }
}
