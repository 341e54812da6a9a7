import { type Message, type MessageSent, sizeOfMessage } from "../../core/messages/message.ts";
import { requoted } from "../../core/messages/quote.ts";

/** The bytes that the recent messages of all conversations may take, and those that they take. */
export interface SharedBytes {
  readonly max: number;
  taken: number;
}

/** A message without what clients wrote: an object, its ids and its place. */
const bytesOfMessage = 600;

/**
 * The newest messages of one conversation, as they will be when everything is stored: sent, changed or looked up last. A ring, because each sent
 * message enters it and few are read again: adding is one store into an array. Bounded in messages, in bytes, and in the bytes of all
 * conversations together: a message that does not fit takes the place of the oldest ones, or is not kept.
 */
export class RecentMessages {
  readonly #maxMessages: number;
  readonly #maxBytes: number;
  readonly #shared: SharedBytes;
  readonly #ring: (Kept | undefined)[] = [];
  /** The bytes of each. The oldest message is cold in the processor's caches, and is dropped without reading it. */
  readonly #sizes: number[] = [];
  #oldest = 0;
  #count = 0;
  #bytes = 0;

  constructor(options: {
    readonly maxMessages: number;
    readonly maxBytes: number;
    readonly shared: SharedBytes;
  }) {
    this.#maxMessages = options.maxMessages;
    this.#maxBytes = options.maxBytes;
    this.#shared = options.shared;
  }

  /** About how many bytes of memory they take. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Keeps a message that is not kept yet, as the newest one. */
  add(message: Message | MessageSent): void {
    const bytes = bytesOf(message);
    if (this.#maxMessages === 0 || bytes > this.#maxBytes) return;
    while (this.#count > 0 && !this.#hasRoomFor(bytes)) this.#dropOldest();
    if (!this.#hasRoomFor(bytes)) return;
    const at = this.#at(this.#count);
    this.#ring[at] = message;
    this.#sizes[at] = bytes;
    this.#count++;
    this.#take(bytes);
  }

  get(messageId: string): Message | undefined {
    const at = this.#find(messageId);
    if (at === -1) return undefined;
    const kept = this.#ring[at]!;
    if (!("releasesKeyOf" in kept)) return kept;
    const message = asMessage(kept);
    this.#ring[at] = message;
    return message;
  }

  /** Replaces a message that has changed, and the quotes of it in others. */
  changed(message: Message): void {
    for (let index = 0; index < this.#count; index++) {
      const at = this.#at(index);
      const kept = this.#ring[at]!;
      if (kept.id === message.id) this.#replace(at, message);
      else if (kept.replyTo?.id === message.id) this.#replace(at, requotedBy(kept, message));
    }
    while (this.#bytes > this.#maxBytes || this.#shared.taken > this.#shared.max) {
      if (this.#count === 0) return;
      this.#dropOldest();
    }
  }

  forget(): void {
    this.#take(-this.#bytes);
    this.#ring.length = 0;
    this.#sizes.length = 0;
    this.#oldest = 0;
    this.#count = 0;
  }

  #hasRoomFor(bytes: number): boolean {
    return (
      this.#count < this.#maxMessages &&
      this.#bytes + bytes <= this.#maxBytes &&
      this.#shared.taken + bytes <= this.#shared.max
    );
  }

  #dropOldest(): void {
    this.#take(-this.#sizes[this.#oldest]!);
    this.#ring[this.#oldest] = undefined;
    this.#oldest = this.#at(1);
    this.#count--;
  }

  #replace(at: number, message: Message): void {
    const bytes = bytesOf(message);
    this.#take(bytes - this.#sizes[at]!);
    this.#ring[at] = message;
    this.#sizes[at] = bytes;
  }

  /** Searches from the newest: most messages are read again soon. */
  #find(messageId: string): number {
    for (let index = this.#count - 1; index >= 0; index--) {
      const at = this.#at(index);
      if (this.#ring[at]!.id === messageId) return at;
    }
    return -1;
  }

  /** Returns the place of the `index`-th message from the oldest. */
  #at(index: number): number {
    const at = this.#oldest + index;
    return at < this.#maxMessages ? at : at - this.#maxMessages;
  }

  #take(bytes: number): void {
    this.#bytes += bytes;
    this.#shared.taken += bytes;
  }
}

/** A sent message is kept as it was decided, and becomes a plain message only when it is read. */
type Kept = Message | MessageSent;

function bytesOf(message: Kept): number {
  return bytesOfMessage + sizeOfMessage(message);
}

function asMessage(sent: MessageSent): Message {
  const { type: _type, deviceTag: _deviceTag, releasesKeyOf: _releasesKeyOf, ...message } = sent;
  return message;
}

function requotedBy(kept: Kept, answered: Message): Message {
  const message = "releasesKeyOf" in kept ? asMessage(kept) : kept;
  return requoted(message, { get: () => answered });
}
