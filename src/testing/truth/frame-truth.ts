import { kindOfTopic } from "../../operations/topics/topics.ts";
import { channelSchemas } from "./api-schemas.ts";
import { isTurn } from "./turns.ts";

/** `[join_ref, ref, topic, event,`: what stands before the payload, so that most of a flood need not be parsed. */
const head =
  /^\[\s*(?:"[^"\\]*"|-?\d+|null)\s*,\s*("[^"\\]*"|-?\d+|null)\s*,\s*"([^"\\]*)"\s*,\s*"([^"\\]*)"\s*,/;
interface Head {
  readonly ref: string;
  readonly topic: string;
  readonly event: string;
}

/** The frames of one socket against `/asyncapi.json`. */
export class FrameTruth {
  /** Events that are not answered, by ref and topic. */
  readonly #asked = new Map<string, string>();
  /** A frame was sent that cannot be read here, or two with one ref: replies can no longer be assigned to events. */
  #isUnclear = false;

  sent(text: string): void {
    const frame = headOf(text);
    if (frame?.ref === "null") return;
    const key = frame && `${frame.ref} ${frame.topic}`;
    if (!key || this.#asked.has(key)) this.#isUnclear = true;
    else this.#asked.set(key, frame.event);
  }

  /** Says what is not documented in a frame of the server; null: everything is, or the topic is not ours. */
  problem(text: string): string | null {
    const frame = headOf(text);
    const channel = frame && channelOf(frame.topic);
    if (!channel) return null;
    const event = frame.event === "phx_reply" ? this.#answered(frame) : frame.event;
    if (event === null || !isTurn(kindOf(channel, event, frame, text))) return null;
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
    if (this.#isUnclear) return null;
    const key = `${ref} ${topic}`;
    const event = this.#asked.get(key) ?? null;
    this.#asked.delete(key);
    return event;
  }
}

function headOf(text: string): Head | null {
  const [, ref, topic, event] = head.exec(text) ?? [];
  return event === undefined ? null : { ref: ref!.replaceAll('"', ""), topic: topic!, event };
}

/** Refusals with different reasons are of different kinds: a rare one must not be passed over among many replies. */
function kindOf(channel: string, event: string, frame: Head, text: string): string {
  const reason = frame.event === "phx_reply" ? /"reason"\s*:\s*"([^"]*)"/.exec(text)?.[1] : undefined;
  return `${channel} ${frame.event} ${event} ${reason ?? ""}`;
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

/** Of an event that is not documented, only a refusal is accepted. */
function replyKey(channel: string, event: string, text: string): string | null {
  const key = eventKey(channel, event);
  const isError = /"status"\s*:\s*"error"/.test(text);
  if (key === null) return isError || channel === "phoenix" ? null : `${event}_ok`;
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
