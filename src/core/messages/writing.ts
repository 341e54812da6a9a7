import { youBlocked } from "../conversations/blocks.ts";
import type { ConversationState } from "../conversations/conversation.ts";
import { notPermitted } from "../conversations/not-permitted.ts";
import { type Rejection, reject } from "../rejection.ts";
import type { MessageType } from "./message.ts";

/**
 * Null: the member may write this. A direct conversation with one member is blocked or declined. An edit counts as writing: otherwise a
 * member could write something new in a group that lets only admins write, by editing an old message.
 */
export function mayNotWrite(
  state: ConversationState,
  command: { readonly senderId: string; readonly mentions: boolean },
  messageType: MessageType,
): Rejection | null {
  if (!state.isActive) return inactive;
  if (state.type === "direct") return state.members.size < 2 ? youBlocked : null;
  const { role } = state.members.get(command.senderId)!;
  return (
    notPermitted(state, role, "message_permission") ??
    (messageType === "media" ? notPermitted(state, role, "media_permission") : null) ??
    (command.mentions ? notPermitted(state, role, "mention_permission") : null)
  );
}

/** The most messages of a direct conversation that the other user has not accepted yet. */
const unacceptedMessages = 3;

/** Null: the user may send one more. Until the other user accepts, all messages are the sender's: writing would have accepted. */
export function mayNotSendYet({ type, seq, members }: ConversationState, senderId: string): Rejection | null {
  if (type === "group" || seq < unacceptedMessages) return null;
  for (const { userId, pending } of members.values())
    if (pending === "request" && userId !== senderId) return acceptedFirst;
  return null;
}

const acceptedFirst = reject(
  "forbidden",
  `The other user has not accepted this conversation yet. Until then you can send ${unacceptedMessages} messages.`,
);
const inactive = reject("conflict", "This conversation has ended. Nobody can write in it any more.");
