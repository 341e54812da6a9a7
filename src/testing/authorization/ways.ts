import type { Operation, RestDoor } from "../../operations/operation.ts";
import type { TopicKind } from "../../operations/topics/topics.ts";
import type { Actor, Answer, Place } from "./cast.ts";

/** One way to ask for an operation. `claims` are fields and headers in which the actor says to be somebody else. */
export type Way = (actor: Actor, at: Place, claims: Claims) => Promise<Answer>;

export interface Claims {
  readonly fields: Readonly<Record<string, unknown>>;
  readonly headers: Readonly<Record<string, string>>;
}
export const noClaims: Claims = { fields: {}, headers: {} };

type PathOf = (at: Place) => string;
type BodyOf = (at: Place) => object;

export function askRest(method: string, pathOf: PathOf, bodyOf?: BodyOf): Way {
  return (actor, at, { fields, headers }) =>
    actor.rest(method, pathOf(at), bodyOf && { ...fields, ...bodyOf(at) }, headers);
}

/** On the conversation's topic. */
export function channel(event: string, payloadOf: BodyOf): Way {
  return (actor, at, { fields }) =>
    actor.push(`conversation:${at.id}`, event, { ...fields, ...payloadOf(at) });
}

/** On the actor's own topic. */
export function ownChannel(event: string, payloadOf: BodyOf): Way {
  return (actor, at, { fields }) =>
    actor.push(`user:${actor.id}`, event, { ...fields, conversation_id: at.id, ...payloadOf(at) });
}

export function topic(topicOf: PathOf): Way {
  return (actor, at) => actor.join(topicOf(at));
}

export const always =
  (body: object): BodyOf =>
  () =>
    body;

/** What a row says of how an operation is asked for. */
export interface Asking {
  /** The message that it is about. */
  readonly about?: "own" | "theirs";
  /** The member whom its path names. */
  readonly user?: "owner" | "admin" | "other";
  /** The reaction that its path names. */
  readonly reaction?: string;
  readonly payload?: BodyOf;
  /** It may name the message alone, and no conversation: that is looked up. */
  readonly isLookedUp?: true;
}

const nothing: BodyOf = () => ({});

/** Every way in which an operation is asked for: each of its routes and events. */
export function waysOf({ rest, channel }: Operation, asking: Asking = {}): readonly Way[] {
  return [
    ...rest.map((door) => restWay(door, asking)),
    ...channel.flatMap(({ topic, events }) => events.map((event) => eventWay(topic, event, asking))),
  ];
}

/** Those that name a message alone, and no conversation. */
export function loneWaysOf({ rest }: Operation, asking: Asking): readonly Way[] {
  return rest
    .filter(({ path }) => path.startsWith("/messages/"))
    .map(({ method, path, body }) =>
      askRest(method, pathOf(path, asking), body ? asking.payload : undefined),
    );
}

function restWay({ method, path, query, body }: RestDoor, asking: Asking): Way {
  const { payload = nothing } = asking;
  const named = pathOf(path, asking);
  const whole: PathOf = "conversation_id" in query ? (at) => `${named(at)}?conversation_id=${at.id}` : named;
  if (!body) return askRest(method, whole);
  return askRest(
    method,
    whole,
    path.includes(":id") ? payload : (at) => ({ conversation_id: at.id, ...payload(at) }),
  );
}

function eventWay(topic: TopicKind, event: string, { about, payload = nothing }: Asking): Way {
  const fields: BodyOf = (at) => ({ ...(about ? { message_id: at[about] } : {}), ...payload(at) });
  return topic === "user" ? ownChannel(event, fields) : channel(event, fields);
}

/** The path with what the row names in it. */
function pathOf(path: string, { about = "own", user = "other", reaction = "" }: Asking): PathOf {
  return (at) =>
    path
      .replace(":id", path.startsWith("/messages/") ? at[about] : at.id)
      .replace(":userId", at[user])
      .replace(":reaction", reaction);
}
