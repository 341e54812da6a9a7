import { toUuid } from "../../core/ports/ids.ts";

/** The topics `conversation:<id>`: one conversation, for its members. */
export const conversationTopic = "conversation:";
/** The topics `user:<id>`: whatever concerns one user, for that user's own sockets. */
export const userTopic = "user:";

/** The id as it stands in the topic: a UUID only in topics that were joined. */
export function conversationOf(topic: string): string {
  return topic.slice(conversationTopic.length);
}

/** The topic with its id in the form that is used as a key. A client may spell it in capitals, and is answered in its own spelling. */
export function canonicalTopic(topic: string): string {
  const idAt = topic.indexOf(":") + 1;
  const id = toUuid(topic.slice(idAt));
  return id === null ? topic : topic.slice(0, idAt) + id;
}
