/** Reads what clients send as far as it may cost: a frame is parsed only when its size is what its event may have, and its values are few enough. */
import type { Json } from "./channel.ts";
import { decode, decodeHead, type Frame, Malformed } from "./codec.ts";
import { holdsFewValues } from "./json-structure.ts";
import { payloadTooLarge, tooManyValues } from "./refusals.ts";

/**
 * The most bytes that a frame of this event on this topic may have; `PhoenixSettings.maxFrameBytes` is never exceeded. Asked only for
 * frames of more than `smallFrame` characters, and not for those that the protocol itself answers.
 */
export type FrameLimit = (topic: string, event: string) => number;

/** Characters. Every frame may have so many: heartbeats, leaves and frames whose event cannot be read may have no more. */
export const smallFrame = 4_096;

/** A frame that was not parsed, and what its sender is answered. */
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

export class FrameReader {
  readonly #maxBytes: number;
  /** Characters of frames that need no look before they are parsed. */
  readonly #freeLength: number;
  readonly #limitOf: FrameLimit;

  constructor(options: { readonly maxFrameBytes: number; readonly limitOf?: FrameLimit | undefined }) {
    const { maxFrameBytes, limitOf = () => maxFrameBytes } = options;
    this.#maxBytes = maxFrameBytes;
    this.#freeLength = Math.min(smallFrame, Math.floor(maxFrameBytes / bytesPerUnit));
    this.#limitOf = limitOf;
  }

  /** Never throws, unless `limitOf` does. */
  read(data: string | Uint8Array): Frame | Malformed | Unread {
    return data.length <= this.#freeLength ? decode(data) : this.#readLarge(data);
  }

  #readLarge(data: string | Uint8Array): Frame | Malformed | Unread {
    const address = decodeHead(data);
    const honestSize = data.length / unparsedShare;
    if (exceeds(data, this.#maxBytes)) return tooLarge(address, this.#maxBytes, honestSize);
    if (address instanceof Malformed) return address;
    const maxBytes = this.#maxBytesOf(address);
    if (exceeds(data, maxBytes)) return tooLarge(address, maxBytes, data.length);
    if (typeof data !== "string" || holdsFewValues(data)) return decode(data);
    return new Unread(address, "too_many_values", tooManyValues, honestSize);
  }

  #maxBytesOf({ topic, event }: Frame): number {
    return topic === "phoenix" || event === "phx_leave" ? smallFrame : this.#limitOf(topic, event);
  }
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
