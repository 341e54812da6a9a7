/**
 * The v2 serializer of Phoenix Channels (npm `phoenix`, `serializer.js`; Elixir `v2/json_serializer.ex`).
 * Text frames are `[join_ref, ref, topic, event, payload]`; binary pushes have kind 0 and one-byte lengths.
 */
import type { Json } from "./channel.ts";
import { parseExactly } from "./exact-json.ts";

/** The binary form cannot say more; the same bound for the text form keeps what a socket holds small. */
const maxFieldLength = 255;
const binaryPushKind = 0;
const binaryHeaderBytes = 5;

/**
 * A client's number for a frame: stock clients count in strings, others in integers, and each is answered in its own form.
 * `1` and `"1"` are different refs, as in Phoenix. Integers beyond 2^53 cannot be echoed exactly, so they are no refs.
 */
export type Ref = string | number | null;

export class Frame {
  constructor(
    readonly joinRef: Ref,
    readonly ref: Ref,
    readonly topic: string,
    readonly event: string,
    /** A JSON value, or a `Uint8Array` from a binary push. */
    readonly payload: unknown,
    /** The size of the raw frame, in characters or bytes: the cost of keeping it. */
    readonly size: number,
  ) {}
}

/** Not a Phoenix message. Holds the part of the address that could be read, so that the sender can be answered. */
export class Malformed {
  constructor(
    readonly joinRef: Ref,
    readonly ref: Ref,
    readonly topic: string,
  ) {}
}

const unreadable = new Malformed(null, null, "phoenix");
const utf8 = new TextDecoder("utf-8", { fatal: true });

/** Never throws. */
export function decode(data: string | Uint8Array): Frame | Malformed {
  try {
    return typeof data === "string" ? decodeText(data) : decodeBinary(data);
  } catch {
    return unreadable;
  }
}

/** More than five parts are allowed and ignored, as in Phoenix. */
function decodeText(text: string): Frame | Malformed {
  const parts: unknown = parseExactly(text);
  if (!Array.isArray(parts)) return addressOf(parts);
  const [joinRef, ref, topic, event] = parts;
  if (parts.length >= 5 && isRef(joinRef) && isRef(ref) && isField(topic) && isField(event)) {
    return new Frame(joinRef, ref, topic, event, payloadOf(parts[4]), text.length);
  }
  return new Malformed(readableRef(joinRef), readableRef(ref), isField(topic) ? topic : "phoenix");
}

/** PHP writes an empty map as an empty array. */
export function payloadOf(value: unknown): unknown {
  return Array.isArray(value) && value.length === 0 ? {} : value;
}

/** A frame of serializer 1.0.0 is an object; its sender is answered by its own ref. */
function addressOf(value: unknown): Malformed {
  if (typeof value !== "object" || value === null) return unreadable;
  const { ref, topic } = value as { readonly ref?: unknown; readonly topic?: unknown };
  return new Malformed(null, readableRef(ref), isField(topic) ? topic : "phoenix");
}

/** Four fields of 255 characters, each written as six. */
const maxHeadLength = 8_192;
/** Also of numbers that are no refs: the address is parsed once more when it is found. */
const refPattern = String.raw`(?:null|[-+.eE\d]{1,64}|"(?:[^"\\]|\\.)*")`;
const fieldPattern = String.raw`"(?:[^"\\]|\\.)*"`;
const headPattern = new RegExp(
  String.raw`^\s*\[\s*${refPattern}\s*,\s*${refPattern}\s*,\s*${fieldPattern}\s*,\s*${fieldPattern}\s*,`,
);

/** Reads only the address of a frame, not its payload: for frames that are too large to be parsed. Never throws. */
export function decodeHead(data: string | Uint8Array): Frame | Malformed {
  if (typeof data !== "string") return decode(data);
  const address = headPattern.exec(data.slice(0, maxHeadLength));
  return address === null ? unreadable : decode(`${address[0]}null]`);
}

function decodeBinary(bytes: Uint8Array): Frame | Malformed {
  const [kind, joinRefBytes, refBytes, topicBytes, eventBytes] = bytes;
  if (kind !== binaryPushKind || eventBytes === undefined) return unreadable;
  const refAt = binaryHeaderBytes + (joinRefBytes ?? 0);
  const topicAt = refAt + (refBytes ?? 0);
  const eventAt = topicAt + (topicBytes ?? 0);
  const payloadAt = eventAt + eventBytes;
  if (payloadAt > bytes.length) return unreadable;
  const field = (from: number, to: number) => utf8.decode(bytes.subarray(from, to));
  return new Frame(
    field(binaryHeaderBytes, refAt) || null,
    field(refAt, topicAt) || null,
    field(topicAt, eventAt),
    field(eventAt, payloadAt),
    bytes.subarray(payloadAt),
    bytes.length,
  );
}

function isField(value: unknown): value is string {
  return typeof value === "string" && value.length <= maxFieldLength;
}

function isRef(value: unknown): value is Ref {
  return isField(value) || value === null || Number.isSafeInteger(value);
}

function readableRef(value: unknown): Ref {
  return isRef(value) ? value : null;
}

/** Characters that stand for themselves between JSON quotes; the test is ten times cheaper than `JSON.stringify`. */
const plain = /^[ !#-[\]-~]*$/;

export function quote(text: string): Json {
  return plain.test(text) ? `"${text}"` : JSON.stringify(text);
}

function refText(ref: Ref): Json {
  return typeof ref === "string" ? quote(ref) : String(ref);
}

export function encodeReply(joinRef: Ref, ref: Ref, topic: string, ok: boolean, response: Json): string {
  const status = ok ? "ok" : "error";
  return `[${refText(joinRef)},${refText(ref)},${quote(topic)},"phx_reply",{"status":"${status}","response":${response}}]`;
}

/** A push to one socket: carries its join_ref, so that a client drops it after a re-join. */
export function encodePush(joinRef: Ref, topic: string, event: string, payload: Json): string {
  return `[${refText(joinRef)},null,${quote(topic)},${quote(event)},${payload}]`;
}

/** The same bytes for every socket of the topic: no join_ref. */
export function encodeBroadcast(topic: string, event: string, payload: Json): string {
  return `[null,null,${quote(topic)},${quote(event)},${payload}]`;
}

/** Returns an encoded broadcast of `topic` for a client that spells the topic in its own way. */
export function respell(frame: string, topic: string, spelling: string): string {
  return `[null,null,${quote(spelling)}${frame.slice(`[null,null,${quote(topic)}`.length)}`;
}

/** `phx_close`: the server ended the topic, or confirms a leave; its ref is the join_ref, as in Phoenix. */
export function encodeClose(joinRef: Ref, topic: string): string {
  const ref = refText(joinRef);
  return `[${ref},${ref},${quote(topic)},"phx_close",{}]`;
}
