import type { ConversationState, Member } from "../../core/conversations/conversation.ts";
import { defaultPermissions } from "../../core/conversations/permissions.ts";
import type { Message, MessageSent } from "../../core/messages/message.ts";
import type { SendMessage } from "../../core/messages/send.ts";
import { deviceTagOf } from "../../core/messages/send-key.ts";
import type { Observer } from "../../core/ports/observer.ts";
import { newId } from "../../system.ts";

export function aSend(given: Partial<SendMessage> = {}): SendMessage {
  return {
    type: "send_message",
    id: newId(),
    conversationId: newId(),
    senderId: newId(),
    messageType: "text",
    content: "hello",
    metadata: "{}",
    deviceTag: deviceTagOf(null),
    clientRandom: null,
    replyToId: null,
    attachments: null,
    mentions: false,
    ...given,
  };
}

/** A message that entered the log; by default the first of its conversation. */
export function aMessageSent(given: Partial<MessageSent> = {}): MessageSent {
  return {
    type: "message_sent",
    id: newId(),
    conversationId: newId(),
    senderId: newId(),
    seq: 1,
    rev: 1,
    createdRev: given.rev ?? 1,
    messageType: "text",
    content: "hello",
    metadata: "{}",
    deviceTag: deviceTagOf(null),
    clientRandom: null,
    sentAtUs: 1_767_225_600_000_000,
    editedAtUs: null,
    deletedAtUs: null,
    replyTo: null,
    attachments: null,
    reactions: null,
    releasesKeyOf: null,
    ...given,
  };
}

/** A message that is in the log already. */
export function messageSentAs(given: Partial<Message> = {}): Message {
  const { type: _, deviceTag: __, releasesKeyOf: ___, ...message } = aMessageSent(given);
  return message;
}

export function membersNamed(userIds: readonly string[]): Map<string, Member> {
  return new Map(
    userIds.map((userId, index) => [
      userId,
      {
        userId,
        role: index === 0 ? "owner" : "member",
        joinedAtUs: 1_767_225_600_000_000,
        joinedSeq: 0,
        joinedRev: 0,
      },
    ]),
  );
}

export function aState(
  given: Partial<Omit<ConversationState, "members">> & { readonly userIds?: readonly string[] } = {},
): ConversationState {
  const { userIds = [newId(), newId()], ...rest } = given;
  return {
    id: newId(),
    type: "direct",
    isActive: true,
    members: membersNamed(userIds),
    permissions: defaultPermissions,
    membersRev: 0,
    seq: 0,
    rev: 0,
    lastSentAtUs: 0,
    ...rest,
  };
}

/** Remembers what it was told. */
export interface ObserverNotes {
  readonly observer: Observer;
  readonly bugs: { readonly where: string; readonly error: unknown }[];
  readonly notes: string[];
  readonly warnings: Readonly<Record<string, unknown>>[];
  /** Of the security log. */
  readonly security: Readonly<Record<string, unknown>>[];
  readonly failedBatches: string[];
  readonly gauges: Map<string, () => number>;
  batches: number;
  loads: number;
  passivated: number;
}

export function noteTaker(): ObserverNotes {
  const notes: Omit<ObserverNotes, "observer"> = {
    bugs: [],
    notes: [],
    warnings: [],
    security: [],
    failedBatches: [],
    gauges: new Map(),
    batches: 0,
    loads: 0,
    passivated: 0,
  };
  const observer: Observer = {
    commandAccepted() {},
    commandAcknowledged() {},
    commandDuplicate() {},
    rateLimited() {},
    refused() {},
    unknownFields() {},
    handshake() {},
    malformedFrame() {},
    slowConsumerClosed() {},
    socketFlooded() {},
    requestAnswered() {},
    requestAborted() {},
    storeAnswered() {},
    loopLate() {},
    batchCommitted: () => void notes.batches++,
    batchFailed: (kind) => void notes.failedBatches.push(kind),
    actorLoaded: () => void notes.loads++,
    actorPassivated: () => void notes.passivated++,
    bug: (where, error) => void notes.bugs.push({ where, error }),
    note: (text) => void notes.notes.push(text),
    warn: (event, fields) => void notes.warnings.push({ event, ...fields }),
    error: (event, fields) => void notes.warnings.push({ event, ...fields }),
    security: (event, fields) => void notes.security.push({ event, ...fields }),
    gauge: (name, read) => void notes.gauges.set(name, read),
  };
  return Object.assign(notes, { observer });
}
