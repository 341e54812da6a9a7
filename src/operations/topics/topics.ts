import { toUuid } from "../../core/ports/ids.ts";

/** The topics `conversation:<id>`: one conversation, for its members. */
const conversationPrefix = "conversation:";
/** The topics `user:<id>`: what concerns one user, for that user's own sockets. */
const userPrefix = "user:";

export function conversationTopic(conversationId: string): string {
  return conversationPrefix + conversationId;
}

export function userTopic(userId: string): string {
  return userPrefix + userId;
}

/** Null: there is no such kind of topic. */
export function kindOfTopic(topic: string): TopicKind | null {
  if (topic.startsWith(conversationPrefix)) return "conversation";
  return topic.startsWith(userPrefix) ? "user" : null;
}

export const topicKinds = ["conversation", "user"] as const;
export type TopicKind = (typeof topicKinds)[number];

/** `id`: of a conversation, or of a user. */
export function topicOf(kind: TopicKind, id: string): string {
  return kind === "conversation" ? conversationTopic(id) : userTopic(id);
}

/** The id as it stands in the topic: a UUID only in topics that were joined. */
export function conversationOfTopic(topic: string): string {
  return topic.slice(conversationPrefix.length);
}

/** The topic with its id in the form that is used as a key. A client may spell it in capitals, and is answered in its own spelling. */
export function canonicalTopic(topic: string): string {
  const idAt = topic.indexOf(":") + 1;
  const id = toUuid(topic.slice(idAt));
  return id === null ? topic : topic.slice(0, idAt) + id;
}
