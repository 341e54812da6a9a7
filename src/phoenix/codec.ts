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

export class Frame {
  constructor(
    readonly joinRef: string | null,
    readonly ref: string | null,
    readonly topic: string,
    readonly event: string,
    /** A JSON value, or a `Uint8Array` from a binary push. */
    readonly payload: unknown,
    /** Of the raw frame, in characters or bytes: what it costs to keep. */
    readonly size: number,
  ) {}
}

/** No Phoenix message. Whatever of the address could be read, so that the sender can be told. */
export class Malformed {
  constructor(
    readonly joinRef: string | null,
    readonly ref: string | null,
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

function decodeText(text: string): Frame | Malformed {
  const parts: unknown = parseExactly(text);
  if (!Array.isArray(parts)) return unreadable;
  const [joinRef, ref, topic, event] = parts;
  if (parts.length === 5 && isRef(joinRef) && isRef(ref) && isField(topic) && isField(event)) {
    return new Frame(joinRef, ref, topic, event, parts[4], text.length);
  }
  return new Malformed(readableRef(joinRef), readableRef(ref), isField(topic) ? topic : "phoenix");
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

function isRef(value: unknown): value is string | null {
  return value === null || isField(value);
}

function readableRef(value: unknown): string | null {
  if (isField(value)) return value;
  return Number.isSafeInteger(value) ? String(value) : null;
}

/** Characters that stand for themselves between JSON quotes; the test is ten times cheaper than `JSON.stringify`. */
const plain = /^[ !#-[\]-~]*$/;

export function quote(text: string | null): Json {
  if (text === null) return "null";
  return plain.test(text) ? `"${text}"` : JSON.stringify(text);
}

export function encodeReply(
  joinRef: string | null,
  ref: string | null,
  topic: string,
  ok: boolean,
  response: Json,
): string {
  const status = ok ? "ok" : "error";
  return `[${quote(joinRef)},${quote(ref)},${quote(topic)},"phx_reply",{"status":"${status}","response":${response}}]`;
}

/** A push to one socket: carries its join_ref, so that a client drops it after a re-join. */
export function encodePush(joinRef: string | null, topic: string, event: string, payload: Json): string {
  return `[${quote(joinRef)},null,${quote(topic)},${quote(event)},${payload}]`;
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
export function encodeClose(joinRef: string | null, topic: string): string {
  const ref = quote(joinRef);
  return `[${ref},${ref},${quote(topic)},"phx_close",{}]`;
}
