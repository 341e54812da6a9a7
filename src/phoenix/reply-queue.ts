/**
 * Outcomes of joins that wait for room in the send buffer of their socket, in the order in which they came. A burst of
 * joins is answered as fast as its client reads. Bounded: outcomes beyond `maxBytes` are dropped, and their joins are
 * asked again when their turn comes.
 */
import type { Wire } from "./wire.ts";

/** The outcome of one join. Nothing here throws. */
export interface WaitingReply {
  /** Characters of the reply. */
  readonly size: number;
  /** Sends the reply and what follows it. Once; not after `ask`. */
  send(): void;
  /** Forgets the outcome: too much waits already. `ask` is called later instead of `send`. */
  drop(): void;
  /** Asks the channel again. `asked` is called once, when the new outcome is there or is of no use. */
  ask(asked: () => void): void;
}

interface Entry {
  readonly reply: WaitingReply;
  readonly isKept: boolean;
}

export class ReplyQueue {
  readonly #wire: Wire;
  readonly #maxBytes: number;
  readonly #entries: Entry[] = [];
  #bytes = 0;
  #asking = false;
  #sending = false;
  #waiting = false;

  constructor(options: { readonly wire: Wire; readonly maxBytes: number }) {
    this.#wire = options.wire;
    this.#maxBytes = options.maxBytes;
  }

  /** Sends at once where there is room and nothing waits. `first`: the queue waits for this one alone. */
  add(reply: WaitingReply, first = false): void {
    if ((first || this.isEmpty) && this.#wire.hasRoom) return reply.send();
    const isKept = first || this.isEmpty || this.#bytes + reply.size <= this.#maxBytes;
    if (isKept) this.#bytes += reply.size;
    else reply.drop();
    if (first) this.#entries.unshift({ reply, isKept });
    else this.#entries.push({ reply, isKept });
    this.#wait();
  }

  /** The characters of the outcomes that are kept. */
  get waitingBytes(): number {
    return this.#bytes;
  }

  /** Nothing waits, and nothing is asked again. */
  get isEmpty(): boolean {
    return this.#entries.length === 0 && !this.#asking;
  }

  #wait(): void {
    if (this.#waiting || this.#asking || this.#sending) return;
    this.#waiting = true;
    this.#wire.whenDrained(this.#drained);
  }

  readonly #drained = (): void => {
    this.#waiting = false;
    this.#sending = true;
    while (!this.#asking && this.#wire.hasRoom && this.#entries.length > 0) {
      const { reply, isKept } = this.#entries.shift()!;
      if (isKept) this.#send(reply);
      else this.#ask(reply);
    }
    this.#sending = false;
    if (this.#entries.length > 0) this.#wait();
  };

  #send(reply: WaitingReply): void {
    this.#bytes -= reply.size;
    reply.send();
  }

  /** One at a time: what is asked takes room when it is answered. */
  #ask(reply: WaitingReply): void {
    this.#asking = true;
    reply.ask(() => {
      this.#asking = false;
      if (this.#entries.length > 0) this.#wait();
    });
  }
}
