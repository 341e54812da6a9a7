import { type KeyUse, type SendKey, untagged } from "../../core/messages/send-key.ts";

const initialCapacity = 16;
/** The bytes of one use in the five arrays. */
const bytesPerUse = 26;
const bytesPerSender = 100;

/**
 * The keys that each sender used lately in one conversation: the newest `capacity` uses, so that a retry is recognised without a read. The
 * unique index of the store still knows the forgotten ones.
 * A ring of typed arrays that grows by doubling: 26 bytes per use, and a search is one native `indexOf`.
 */
export class RecentKeys {
  readonly #capacity: number;
  readonly #senders = new Map<string, number>();
  #randoms = new Uint32Array(initialCapacity);
  #deviceTags = new Uint32Array(initialCapacity);
  #senderOf = new Uint16Array(initialCapacity);
  #seqs = new Float64Array(initialCapacity);
  #times = new Float64Array(initialCapacity);
  #next = 0;
  #used = 0;

  constructor(options: { readonly capacity: number }) {
    this.#capacity = options.capacity;
  }

  /** About how many bytes of memory it takes. */
  get bytes(): number {
    return bytesPerUse * this.#randoms.length + bytesPerSender * this.#senders.size;
  }

  /** Returns the newest use that a send with this key repeats and that is still remembered: of its device, or of one that is not known. */
  find(senderId: string, key: SendKey): KeyUse | undefined {
    return this.#newest(senderId, key, untagged);
  }

  /** Returns the newest use under exactly this key, which is in the way of another one. */
  holder(senderId: string, key: SendKey): KeyUse | undefined {
    return this.#newest(senderId, key, key.deviceTag);
  }

  #newest(senderId: string, { deviceTag, clientRandom }: SendKey, otherTag: number): KeyUse | undefined {
    const sender = this.#senders.get(senderId);
    if (sender === undefined) return undefined;
    let found = -1;
    for (let at = this.#indexOf(clientRandom, 0); at >= 0; at = this.#indexOf(clientRandom, at + 1)) {
      const tag = this.#deviceTags[at];
      if (this.#senderOf[at] !== sender || (tag !== deviceTag && tag !== otherTag)) continue;
      if (found < 0 || this.#seqs[at]! > this.#seqs[found]!) found = at;
    }
    if (found < 0) return undefined;
    return { deviceTag: this.#deviceTags[found]!, seq: this.#seqs[found]!, sentAtUs: this.#times[found]! };
  }

  /** Remembers a use under the device that it names. */
  remember(senderId: string, clientRandom: number, use: KeyUse): void {
    const sender = this.#senderIndex(senderId);
    if (this.#used === this.#randoms.length && this.#used < this.#capacity) this.#grow();
    const at = this.#next;
    this.#randoms[at] = clientRandom;
    this.#deviceTags[at] = use.deviceTag;
    this.#senderOf[at] = sender;
    this.#seqs[at] = use.seq;
    this.#times[at] = use.sentAtUs;
    this.#next = (at + 1) % this.#randoms.length;
    this.#used = Math.min(this.#used + 1, this.#randoms.length);
  }

  #indexOf(clientRandom: number, from: number): number {
    const at = this.#randoms.indexOf(clientRandom, from);
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
    const size = Math.min(this.#randoms.length * 2, this.#capacity);
    this.#randoms = copyInto(new Uint32Array(size), this.#randoms);
    this.#deviceTags = copyInto(new Uint32Array(size), this.#deviceTags);
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
