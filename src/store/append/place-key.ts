/** Returns a key of the message `seq` in its conversation, for maps. */
export function placeKey(conversationId: string, seq: number): string {
  return `${conversationId} ${seq}`;
}
