/** What the pings of one socket prove: a write alone proves nothing, the pong of a ping sent after it does. */
import type { Prover } from "./channel.ts";

/** The proofs of one socket; made when the first one is wanted. At most one ping is outstanding. What a prover throws is told and changes nothing. */
export class Proofs {
  readonly #failed: (error: unknown) => void;
  #wanted = new Set<Prover>();
  /** Those of the ping that is outstanding. */
  #pinged: Set<Prover> | undefined;
  #pings = 0;

  constructor(options: { readonly failed: (error: unknown) => void }) {
    this.#failed = options.failed;
  }

  want(prover: Prover): void {
    this.#wanted.add(prover);
  }

  /** Nothing that was asked for this prover is proved any more. */
  drop(prover: Prover): void {
    this.#wanted.delete(prover);
    this.#pinged?.delete(prover);
  }

  /** A ping is wanted, and none is outstanding. */
  get isDue(): boolean {
    return this.#pinged === undefined && this.#wanted.size > 0;
  }

  /** The payload of the ping that must go out now, behind all that was sent. */
  ping(): string {
    const provers = this.#wanted;
    this.#wanted = new Set();
    this.#pinged = provers;
    this.#pings += 1;
    for (const prover of provers) this.#call(() => prover.pinged());
    return String(this.#pings);
  }

  /** False: a pong that answers no outstanding ping of ours, and proves nothing. Anybody may send one at any time. */
  ponged(payload: string): boolean {
    const provers = this.#pinged;
    if (provers === undefined || payload !== String(this.#pings)) return false;
    this.#pinged = undefined;
    for (const prover of provers) this.#call(() => prover.proved());
    return true;
  }

  #call(act: () => void): void {
    try {
      act();
    } catch (error) {
      this.#failed(error);
    }
  }
}
