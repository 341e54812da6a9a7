/** For how long a sender's `client_random` gives the first message back. Microseconds. */
export const keyLifetimeUs = 24 * 60 * 60 * 1_000_000;

export interface KeyUse {
  readonly seq: number;
  readonly sentAtUs: number;
}

const initialCapacity = 16;
/** Of the four arrays. */
const bytesPerUse = 22;
const bytesPerSender = 100;

/**
 * Which `client_random` each sender used lately in one conversation: the newest `capacity` uses, so that a retry is
 * recognised without a read. What it has forgotten, the unique index of the store still knows.
 * A ring of typed arrays that grows by doubling: 22 bytes per use, and a search is one native `indexOf`.
 */
export class RecentKeys {
  readonly #capacity: number;
  readonly #senders = new Map<string, number>();
  #keys = new Uint32Array(initialCapacity);
  #senderOf = new Uint16Array(initialCapacity);
  #seqs = new Float64Array(initialCapacity);
  #times = new Float64Array(initialCapacity);
  #next = 0;
  #used = 0;

  constructor(options: { readonly capacity: number }) {
    this.#capacity = options.capacity;
  }

  /** What it takes in memory, about. */
  get bytes(): number {
    return bytesPerUse * this.#keys.length + bytesPerSender * this.#senders.size;
  }

  /** The newest use of the key by this sender, if it is still remembered. */
  find(senderId: string, clientRandom: number): KeyUse | undefined {
    const sender = this.#senders.get(senderId);
    if (sender === undefined) return undefined;
    let found: KeyUse | undefined;
    for (let at = this.#indexOf(clientRandom, 0); at >= 0; at = this.#indexOf(clientRandom, at + 1)) {
      if (this.#senderOf[at] !== sender) continue;
      if (!found || this.#seqs[at]! > found.seq) found = { seq: this.#seqs[at]!, sentAtUs: this.#times[at]! };
    }
    return found;
  }

  remember(senderId: string, clientRandom: number, use: KeyUse): void {
    const sender = this.#senderIndex(senderId);
    if (this.#used === this.#keys.length && this.#used < this.#capacity) this.#grow();
    const at = this.#next;
    this.#keys[at] = clientRandom;
    this.#senderOf[at] = sender;
    this.#seqs[at] = use.seq;
    this.#times[at] = use.sentAtUs;
    this.#next = (at + 1) % this.#keys.length;
    this.#used = Math.min(this.#used + 1, this.#keys.length);
  }

  #indexOf(clientRandom: number, from: number): number {
    const at = this.#keys.indexOf(clientRandom, from);
    return at < this.#used ? at : -1;
  }

  /** Senders are few and stay; after 65,536 different ones the memory starts afresh, which only costs reads. */
  #senderIndex(senderId: string): number {
    const known = this.#senders.get(senderId);
    if (known !== undefined) return known;
    if (this.#senders.size > 0xffff) this.#forgetAll();
    const index = this.#senders.size;
    this.#senders.set(senderId, index);
    return index;
  }

  #forgetAll(): void {
    this.#senders.clear();
    this.#used = 0;
    this.#next = 0;
  }

  /** Only called when the ring is full and has never wrapped, so the order of slots is the order of uses. */
  #grow(): void {
    const size = Math.min(this.#keys.length * 2, this.#capacity);
    this.#keys = copyInto(new Uint32Array(size), this.#keys);
    this.#senderOf = copyInto(new Uint16Array(size), this.#senderOf);
    this.#seqs = copyInto(new Float64Array(size), this.#seqs);
    this.#times = copyInto(new Float64Array(size), this.#times);
    this.#next = this.#used;
  }
}

function copyInto<T extends { set(source: ArrayLike<number>): void }>(
  target: T,
  source: ArrayLike<number>,
): T {
  target.set(source);
  return target;
}
