import type { ConversationState } from "../conversations/conversation.ts";
import type { Decision } from "../decision.ts";
import type { MessageSent, MessageType } from "./message.ts";
import { keyLifetimeUs } from "./recent-keys.ts";
import { mayNotWrite } from "./writing.ts";

export interface SendMessage {
  readonly type: "send_message";
  /** UUIDv7 minted where the command entered; becomes the message's id. */
  readonly id: string;
  readonly conversationId: string;
  /** The token's subject, never a field of the request. */
  readonly senderId: string;
  readonly messageType: MessageType;
  readonly content: string;
  /** JSON text of an object. */
  readonly metadata: string;
  readonly clientRandom: number | null;
  /** Whether the metadata names users who are mentioned. */
  readonly mentions: boolean;
}

/** The next message of the log, or the earlier one that this sender already stored under the same `client_random`. */
export function decideSend(state: ConversationState, command: SendMessage, nowUs: number): Decision {
  const earlier =
    command.clientRandom === null ? undefined : state.keys.find(command.senderId, command.clientRandom);
  if (earlier && nowUs - earlier.sentAtUs < keyLifetimeUs) return { type: "duplicate", seq: earlier.seq };
  const refusal = mayNotWrite(state, command, command.messageType);
  if (refusal) return refusal;
  return { type: "decided", events: [messageSent(state, command, nowUs, earlier?.seq ?? null)] };
}

function messageSent(
  state: ConversationState,
  command: SendMessage,
  nowUs: number,
  releasesKeyOf: number | null,
): MessageSent {
  return {
    type: "message_sent",
    conversationId: state.id,
    rev: state.rev + 1,
    createdRev: state.rev + 1,
    seq: state.seq + 1,
    id: command.id,
    senderId: command.senderId,
    messageType: command.messageType,
    content: command.content,
    metadata: command.metadata,
    clientRandom: command.clientRandom,
    sentAtUs: Math.max(nowUs, state.lastSentAtUs + 1),
    editedAtUs: null,
    deletedAtUs: null,
    releasesKeyOf,
  };
}

export function applyMessageSent(state: ConversationState, event: MessageSent): void {
  state.seq = event.seq;
  state.lastSentAtUs = event.sentAtUs;
  if (event.clientRandom === null) return;
  state.keys.remember(event.senderId, event.clientRandom, event);
}
