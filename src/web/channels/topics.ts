/** The topics `conversation:<id>`: one conversation, for its members. */
export const conversationTopic = "conversation:";
/** The topics `user:<id>`: whatever concerns one user, for that user's own sockets. */
export const userTopic = "user:";

/** The id as it stands in the topic: a UUID only in topics that were joined. */
export function conversationOf(topic: string): string {
  return topic.slice(conversationTopic.length);
}
