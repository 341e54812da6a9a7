import type { Static, TObject, TSchema } from "@sinclair/typebox";
import { type Command, sizeOf } from "../core/commands.ts";
import type { Charge } from "../core/limits/charge.ts";
import type { Outcome } from "../core/outcome.ts";
import { isRejection, type Rejection } from "../core/rejection.ts";
import type { Asked, PlaceOf } from "./asked.ts";
import type {
  Answer,
  BodyDoc,
  Call,
  ChannelAnswer,
  ChannelDoor,
  Method,
  Operation,
  ReplyDoc,
  RestDoor,
  TopicEvent,
} from "./operation.ts";
import type { PayloadShape } from "./payload-shape.ts";
import { noQuery, type QueryFields } from "./query-fields.ts";
import type { Services } from "./services.ts";
import { topicPayload } from "./topics/topic-payload.ts";
import { conversationOfTopic, type TopicKind } from "./topics/topics.ts";

/** The outcome of a command that was not refused. */
export type Settled = Exclude<Outcome, Rejection>;

/** An operation that is one command of one conversation. */
export interface CommandSpec<Schema extends TObject, One extends Command>
  extends Pick<Operation, "name" | "summary" | "description" | "costs" | "authorizedAs" | "refuses"> {
  /** Null: it has no payload. */
  readonly payload: PayloadShape<Schema> | null;
  toCommand(body: Static<Schema>, asked: Asked, on: Services): One | Rejection;
  readonly rest?: readonly CommandRoute<One>[];
  readonly channel?: CommandEvents<One>;
}

export interface CommandRoute<One extends Command> {
  /** The name of this route, if the operation has several. */
  readonly name?: string;
  readonly method: Method;
  readonly path: string;
  readonly at: PlaceOf;
  readonly query?: QueryFields;
  /** Returns the payload, if it is not the body. */
  readonly payloadOf?: (call: Call) => unknown;
  readonly isBodyOptional?: true;
  readonly replies: Readonly<Partial<Record<Answer["status"], ReplyDoc>>>;
  answer(settled: Settled, command: One, on: Services): Answer | Rejection | Promise<Answer | Rejection>;
}

export interface CommandEvents<One extends Command> {
  readonly topic: TopicKind;
  readonly events: ChannelDoor["events"];
  readonly frame?: ChannelDoor["frame"];
  readonly replySchema: TSchema;
  /** The JSON text of the ok reply. */
  reply?(settled: Settled, command: One, on: Services): string;
  /** Instead of `reply`, where something has to be read for it. */
  replyLater?(command: One, on: Services): Promise<string | Rejection>;
}

export function command<Schema extends TObject, One extends Command>(
  spec: CommandSpec<Schema, One>,
): Operation {
  const { name, summary, description, costs, authorizedAs, refuses, rest = [], channel } = spec;
  return {
    name,
    summary,
    description,
    costs,
    authorizedAs,
    refuses,
    rest: rest.map((route) => restDoor(spec, route)),
    channel: channel ? [channelDoor(spec, channel)] : [],
  };
}

function restDoor<Schema extends TObject, One extends Command>(
  spec: CommandSpec<Schema, One>,
  route: CommandRoute<One>,
): RestDoor {
  const { name, method, path, query = noQuery, replies } = route;
  return {
    name,
    method,
    path,
    query,
    replies,
    body: bodyOf(spec, route),
    async answer(call, on) {
      const read = await payloadOf(spec, route, call);
      if (isRejection(read)) return read;
      const body = parsed(spec, read.value, on);
      if (isRejection(body)) return body;
      // After the body, because the place may have to be read from the store.
      const place = await route.at(call, on);
      if (isRejection(place)) return place;
      const { caller, params, charge } = call;
      const command = spec.toCommand(body, { caller, params, ...place, payload: read.value }, on);
      if (isRejection(command)) return command;
      const outcome = await new Promise<Outcome>((resolve) => on.commands.submit(command, resolve, charge));
      return isRejection(outcome) ? outcome : route.answer(outcome, command, on);
    },
  };
}

function bodyOf<Schema extends TObject, One extends Command>(
  { payload }: CommandSpec<Schema, One>,
  { payloadOf, isBodyOptional }: CommandRoute<One>,
): BodyDoc | null {
  return payload && !payloadOf ? { shapes: [payload], isOptional: isBodyOptional === true } : null;
}

const empty = { value: {} };

async function payloadOf<Schema extends TObject, One extends Command>(
  { payload }: CommandSpec<Schema, One>,
  { payloadOf: given, isBodyOptional }: CommandRoute<One>,
  call: Call,
): Promise<{ readonly value: unknown } | Rejection> {
  if (!payload) return empty;
  if (given) return { value: given(call) };
  return isBodyOptional && !call.hasBody ? empty : call.json();
}

/** The known fields of the payload, or its refusal. */
function parsed<Schema extends TObject, One extends Command>(
  { payload }: CommandSpec<Schema, One>,
  given: unknown,
  { observer }: Services,
): Static<Schema> | Rejection {
  return payload ? payload.parse(given, observer) : (empty.value as Static<Schema>);
}

const noParams = {};

function channelDoor<Schema extends TObject, One extends Command>(
  spec: CommandSpec<Schema, One>,
  own: CommandEvents<One>,
): ChannelDoor {
  const { topic, events, frame, replySchema } = own;
  return {
    topic,
    events,
    frame,
    payload: spec.payload,
    reply: replySchema,
    receive(event, on, charge, answer) {
      const asked = askedOnTopic(topic, event);
      const body = parsed(spec, asked.payload, on);
      const command = isRejection(body) ? body : spec.toCommand(body, asked, on);
      if (isRejection(command)) return answer(command);
      return own.replyLater ? later(own, command, on, charge, answer) : now(own, command, on, charge, answer);
    },
  };
}

/** On the way of every message: no promise. */
function now<One extends Command>(
  { reply }: CommandEvents<One>,
  command: One,
  on: Services,
  charge: Charge,
  answer: ChannelAnswer,
): void {
  on.commands.submit(
    command,
    (outcome) => {
      if (isRejection(outcome)) return answer(outcome);
      const text = reply!(outcome, command, on);
      charge.answered(text.length, sizeOf(command));
      answer(text);
    },
    charge,
  );
}

async function later<One extends Command>(
  { replyLater }: CommandEvents<One>,
  command: One,
  on: Services,
  charge: Charge,
  answer: ChannelAnswer,
): Promise<void> {
  const outcome = await new Promise<Outcome>((resolve) => on.commands.submit(command, resolve, charge));
  if (isRejection(outcome)) return answer(outcome);
  const text = await replyLater!(command, on);
  if (!isRejection(text)) charge.answered(text.length, sizeOf(command));
  answer(text);
}

/** Returns the request in an event. On a conversation's topic, the topic alone names the conversation. */
export function askedOnTopic(topic: TopicKind, event: TopicEvent): Asked {
  const isConversation = topic === "conversation";
  return {
    caller: event.identity,
    conversationId: isConversation ? conversationOfTopic(event.topic) : null,
    messageId: null,
    params: noParams,
    payload: isConversation ? topicPayload(event.payload) : event.payload,
  };
}
