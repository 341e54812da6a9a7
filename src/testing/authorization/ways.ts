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

export function rest(method: string, pathOf: PathOf, bodyOf?: BodyOf): Way {
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

export const conversation =
  (rest = ""): PathOf =>
  ({ id }) =>
    `/conversations/${id}${rest}`;
export const message =
  (about: "own" | "theirs", rest = ""): PathOf =>
  (at) =>
    `/messages/${at[about]}${rest}?conversation_id=${at.id}`;
export const naming =
  (about: "own" | "theirs", more: object = {}): BodyOf =>
  (at) => ({ message_id: at[about], ...more });
export const always =
  (body: object): BodyOf =>
  () =>
    body;
