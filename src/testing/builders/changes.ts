import type { Member, MemberRecord } from "../../core/conversations/conversation.ts";
import type { ConversationChanged } from "../../core/conversations/conversation-changed.ts";
import type { MemberChanged } from "../../core/conversations/member-changed.ts";
import type { Event } from "../../core/events.ts";
import type { MarkMove } from "../../core/messages/marks.ts";
import type { Message, MessageChanged, MessageSent, ReactionChanged } from "../../core/messages/message.ts";
import { type Reaction, reactionsOf } from "../../core/messages/reaction.ts";
import type { Batch, Change } from "../../core/ports/commit.ts";
import { newId } from "../../system.ts";
import { aMessageSent } from "./builders.ts";

/** The start of 2026. A change is made as many microseconds after it as its revision says. */
export const startUs = 1_767_225_600_000_000;

export function aBatch(given: Partial<Batch>): Batch {
  return { changes: [], marks: [], atUs: startUs, ...given };
}

export function changeOf(conversationId: string, rev: number, ...events: readonly Event[]): Change {
  return { conversationId, rev, events, members: noMembers, membersRev: 0 };
}

const noMembers: ReadonlyMap<string, Member> = new Map();

/** A message that is both the `seq`th and the `rev`th; by default every change of the conversation is one. */
export function aSending(id: string, seq: number, given: Partial<MessageSent> = {}): Change {
  const event = aMessageSent({ conversationId: id, seq, rev: seq, sentAtUs: startUs + seq, ...given });
  return changeOf(id, event.rev, event);
}

export function messageOf(change: Change): Message {
  const [event] = change.events;
  if (event?.type !== "message_sent") throw new Error("not a message");
  const { type: _, deviceTag: __, releasesKeyOf: ___, ...message } = event;
  return message;
}

export function anEdit(message: Message, rev: number, content: string): MessageChanged {
  const edited = { ...message, rev, content, editedAtUs: startUs + rev };
  return changedTo("message_edited", edited);
}

/** A media message that answers another one. */
export function aReply(id: string, seq: number, given: Partial<MessageSent> = {}): Change {
  const attachment = {
    id: newId(),
    mediaId: "media",
    mediaType: "image",
    metadata: '{"size":1.0}',
    createdAtUs: startUs,
  } as const;
  const replyTo = { id: newId(), seq: 1, quote: null };
  return aSending(id, seq, { messageType: "media", replyTo, attachments: [attachment], ...given });
}

/** By a user who has no other one on this message. */
export function aReaction(
  type: ReactionChanged["type"],
  before: Message,
  rev: number,
  given: Partial<Reaction> = {},
): ReactionChanged {
  const reaction = { id: newId(), userId: newId(), reaction: "👍", reactedAtUs: startUs + rev, ...given };
  const list = (before.reactions?.list ?? []).filter(
    (each) => each.userId !== reaction.userId || each.reaction !== reaction.reaction,
  );
  const reactions = reactionsOf(type === "reaction_added" ? [...list, reaction] : list);
  const { conversationId } = before;
  return { type, conversationId, rev, changeId: newId(), message: { ...before, rev, reactions }, reaction };
}

export function anAttachment(message: Message, rev: number, mediaId: string): MessageChanged {
  const attachment = {
    id: newId(),
    mediaId,
    mediaType: "file",
    metadata: "{}",
    createdAtUs: startUs + rev,
  } as const;
  const attachments = [...(message.attachments ?? []), attachment];
  return changedTo("media_attached", { ...message, rev, attachments });
}

export function aDeletion(message: Message, rev: number): MessageChanged {
  const erased = { content: "", metadata: "{}", attachments: null, reactions: null };
  return changedTo("message_deleted", { ...message, ...erased, rev, deletedAtUs: startUs + rev });
}

function changedTo(type: MessageChanged["type"], message: Message): MessageChanged {
  const { conversationId, rev } = message;
  return { type, conversationId, rev, changeId: newId(), message };
}

export function aMemberEvent(
  type: MemberChanged["type"],
  conversationId: string,
  given: Partial<MemberRecord> & Pick<MemberRecord, "userId" | "rev">,
): MemberChanged {
  const member: MemberRecord = {
    role: "member",
    joinedAtUs: startUs,
    joinedSeq: 0,
    joinedRev: 0,
    leftSeq: null,
    leftAtUs: null,
    ...given,
  };
  return { type, conversationId, rev: given.rev, actorId: newId(), atUs: startUs, member };
}

export function aConversationChange(id: string, rev: number, metadata: string): ConversationChanged {
  const conversation = { id, type: "group", metadata, isActive: true } as const;
  const common = { conversationId: id, rev, atUs: startUs + rev };
  return { type: "conversation_changed", ...common, conversation, change: null };
}

export function aMark(
  conversationId: string,
  userId: string,
  to: { readonly delivered?: number; readonly read?: number },
): MarkMove {
  return { conversationId, userId, deliveredSeq: to.delivered ?? null, readSeq: to.read ?? null };
}
