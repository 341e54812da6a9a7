import { kindOfTopic } from "../../operations/topics/topics.ts";
import { channelSchemas } from "./api-schemas.ts";

/** `[join_ref, ref, topic, event,`: what stands before the payload, so that most of a flood need not be parsed. */
const head =
  /^\[\s*(?:"[^"\\]*"|-?\d+|null)\s*,\s*("[^"\\]*"|-?\d+|null)\s*,\s*"([^"\\]*)"\s*,\s*"([^"\\]*)"\s*,/;
/** Of each kind of frame, as many are looked at on one socket, and of the others one in so many. */
const lookedAt = 100;
const oneIn = 50;

interface Head {
  readonly ref: string;
  readonly topic: string;
  readonly event: string;
}

/** The frames of one socket against `/asyncapi.json`. */
export class FrameTruth {
  /** Events that are not answered, by ref. */
  readonly #asked = new Map<string, string>();
  readonly #seen = new Map<string, number>();

  sent(text: string): void {
    const frame = headOf(text);
    if (frame && frame.ref !== "null") this.#asked.set(`${frame.ref} ${frame.topic}`, frame.event);
  }

  /** What is not documented of a frame of the server; null: all of it is, or it is not of our topics. */
  problem(text: string): string | null {
    const frame = headOf(text);
    const channel = frame && channelOf(frame.topic);
    if (!channel) return null;
    const event = frame.event === "phx_reply" ? this.#answered(frame) : frame.event;
    if (event === null || !this.#isTurn(`${channel} ${frame.event} ${event}`)) return null;
    const key = frame.event === "phx_reply" ? replyKey(channel, event, text) : pushKey(channel, event);
    if (key === null) return null;
    if (!Object.hasOwn(messagesOf(channel), key))
      return `${event} on ${channel} is not documented: ${text.slice(0, 300)}`;
    const problem = channelSchemas().problem(
      `/channels/${channel}/messages/${key}/payload`,
      JSON.parse(text),
    );
    return problem && `${key} on ${channel}: ${problem}: ${text.slice(0, 500)}`;
  }

  #answered({ ref, topic }: Head): string | null {
    const key = `${ref} ${topic}`;
    const event = this.#asked.get(key) ?? null;
    this.#asked.delete(key);
    return event;
  }

  #isTurn(kind: string): boolean {
    const count = (this.#seen.get(kind) ?? 0) + 1;
    this.#seen.set(kind, count);
    return count <= lookedAt || count % oneIn === 0;
  }
}

function headOf(text: string): Head | null {
  const [, ref, topic, event] = head.exec(text) ?? [];
  return event === undefined ? null : { ref: ref!.replaceAll('"', ""), topic: topic!, event };
}

function channelOf(topic: string): string | null {
  return topic === "phoenix" ? topic : kindOfTopic(topic);
}

interface Message {
  readonly payload: {
    readonly items: readonly { readonly const?: string; readonly enum?: readonly string[] }[];
  };
}

function messagesOf(channel: string): Readonly<Record<string, Message>> {
  const channels = channelSchemas().document.channels as Readonly<
    Record<string, { readonly messages: Readonly<Record<string, Message>> }>
  >;
  return channels[channel]!.messages;
}

/** Under which name an event of a client is documented; null: it is none, and is refused. */
function eventKey(channel: string, event: string): string | null {
  const found = Object.entries(messagesOf(channel)).find(
    ([key, message]) => !key.startsWith("push_") && namesIn(message).includes(event),
  );
  return found?.[0] ?? null;
}

/** What an event is answered that is not documented is only seen to be a refusal. */
function replyKey(channel: string, event: string, text: string): string | null {
  const key = eventKey(channel, event);
  const isError = /"status"\s*:\s*"error"/.test(text);
  if (key === null) return isError ? null : `${event}_ok`;
  return `${key}_${isError && (JSON.parse(text)[4] as { status: string }).status === "error" ? "error" : "ok"}`;
}

function pushKey(channel: string, event: string): string {
  const found = Object.entries(messagesOf(channel)).find(
    ([key, message]) => key.startsWith("push_") && namesIn(message).includes(event),
  );
  return found?.[0] ?? `push_${event}`;
}

function namesIn({ payload }: Message): readonly string[] {
  const { const: name, enum: names = [] } = payload.items[3]!;
  return name === undefined ? names : [name];
}
