/** Looks at large frames before they are parsed: whether their size is what their event may have, and their values are few enough. */
import type { Json } from "./channel.ts";
import { decode, decodeHead, Frame, Malformed } from "./codec.ts";
import { countValues, maxValues } from "./json-structure.ts";
import { payloadTooLarge, tooManyValues } from "./refusals.ts";

/**
 * The most bytes that a frame of this event on this topic may have; `PhoenixSettings.maxFrameBytes` is never exceeded. Asked only for
 * frames of more than `smallFrame` characters, and not for those that the protocol itself answers.
 */
export type FrameLimit = (topic: string, event: string) => number;

/** Characters. Every frame may have so many: heartbeats, leaves and frames whose event cannot be read may have no more. */
export const smallFrame = 4_096;

/** A frame that may be parsed. */
export class Seen {
  constructor(
    /** Without the payload. */
    readonly address: Frame,
    /** The JSON values that parsing it makes. */
    readonly values: number,
  ) {}
}

/** A frame that must not be parsed, and what its sender is answered. */
export class Unread {
  constructor(
    readonly address: Frame | Malformed,
    readonly problem: "too_large" | "too_many_values",
    readonly response: Json,
    /** Characters or bytes that it counts for: an honest mistake for less than what no client sends. */
    readonly countedSize: number,
  ) {}
}

/** A frame that is only received costs this much less than one that is parsed. */
const unparsedShare = 16;

/** Characters. Parsing so few costs 20 µs at most, however many values they hold. */
const freeLength = 1_024;

export class FrameReader {
  readonly #maxBytes: number;
  readonly #limitOf: FrameLimit;
  readonly #freeLength: number;

  constructor(options: { readonly maxFrameBytes: number; readonly limitOf?: FrameLimit | undefined }) {
    const { maxFrameBytes, limitOf = () => maxFrameBytes } = options;
    this.#maxBytes = maxFrameBytes;
    this.#limitOf = limitOf;
    this.#freeLength = Math.min(freeLength, Math.floor(maxFrameBytes / bytesPerUnit));
  }

  /** A frame that needs no look before it is parsed. */
  isSmall(data: string | Uint8Array): boolean {
    return data.length <= this.#freeLength;
  }

  /** Never throws, unless `limitOf` does. */
  look(data: string | Uint8Array): Seen | Malformed | Unread {
    const head = decodeHead(data);
    const honestSize = data.length / unparsedShare;
    if (exceeds(data, this.#maxBytes)) return tooLarge(head, this.#maxBytes, honestSize);
    if (head instanceof Malformed) return data.length <= smallFrame ? addressOf(data) : head;
    const maxBytes = this.#maxBytesOf(head);
    if (exceeds(data, maxBytes)) return tooLarge(head, maxBytes, data.length);
    const values = typeof data === "string" ? countValues(data) : 0;
    if (values > maxValues) return new Unread(head, "too_many_values", tooManyValues, honestSize);
    const { joinRef, ref, topic, event } = head;
    return new Seen(new Frame(joinRef, ref, topic, event, undefined, data.length), values);
  }

  #maxBytesOf({ topic, event }: Frame): number {
    return topic === "phoenix" || event === "phx_leave" ? smallFrame : this.#limitOf(topic, event);
  }
}

/** Of a small frame whose head says too little: what else it says of its sender. */
function addressOf(data: string | Uint8Array): Malformed {
  const { joinRef, ref, topic } = decode(data);
  return new Malformed(joinRef, ref, topic);
}

function tooLarge(address: Frame | Malformed, maxBytes: number, countedSize: number): Unread {
  return new Unread(address, "too_large", payloadTooLarge(maxBytes), countedSize);
}

/** Of UTF-8, at most, for a UTF-16 unit. */
const bytesPerUnit = 3;

/** Counting bytes costs: most texts are too short to need it. */
function exceeds(data: string | Uint8Array, maxBytes: number): boolean {
  return bytesPerUnit * data.length > maxBytes && Buffer.byteLength(data) > maxBytes;
}
