/** The payload of a push on a conversation's topic. The topic says which conversation it is about, so what the payload says of that is left out. */
export function topicPayload(payload: unknown): unknown {
  if (typeof payload !== "object" || payload === null || !Object.hasOwn(payload, "conversation_id"))
    return payload;
  const { conversation_id: _, ...rest } = payload as { readonly conversation_id: unknown };
  return rest;
}
