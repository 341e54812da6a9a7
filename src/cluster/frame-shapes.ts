import type { Member } from "../core/conversations/conversation.ts";
import type { MarkedMessage, MarkMoved, StatusChange } from "../core/messages/marks.ts";
import type { ChangeFrame, Frame } from "../core/ports/pubsub.ts";
import type { OwnChange } from "../core/private/own-change.ts";
import { event, member } from "./event-shapes.ts";
import { byKey, flag, list, nullable, oneOf, record, type Shape, text, variants, whole } from "./shape.ts";

const markedMessage = record<MarkedMessage>({ id: text, seq: whole, senderId: text });

const marksMoved = record<MarkMoved>({
  userId: text,
  deliveredFrom: whole,
  deliveredTo: whole,
  readFrom: whole,
  readTo: whole,
  wasUnread: flag,
});

const statusChange = record<StatusChange>({
  message: markedMessage,
  status: oneOf("sent", "delivered", "read"),
});

const ownChange = variants<OwnChange>({
  unread: record({ from: nullable(record({ messageId: text, seq: whole })) }),
});

const wholeChanges = record<Omit<ChangeFrame, "type">>({
  conversationId: text,
  rev: whole,
  membersRev: whole,
  members: nullable(byKey<Member>(member, ({ userId }) => userId)),
  events: list(event),
});

/** Members that a frame did not change are left out: a node that does not know them by their revision reads them. */
const changes: Shape<Omit<ChangeFrame, "type">> = {
  encode: (frame) =>
    wholeChanges.encode(frame.membersRev === frame.rev ? frame : { ...frame, members: null }),
  decode: wholeChanges.decode,
};

export const frame = variants<Frame>({
  changes,
  created: record({
    conversationId: text,
    creatorId: text,
    otherIds: list(text),
    askedIds: list(text),
  }),
  marks: record({
    conversationId: text,
    atUs: whole,
    moved: list(marksMoved),
    messages: list(markedMessage),
    statuses: list(statusChange),
    lastJoinedSeq: whole,
  }),
  own: record({ userId: text, ownRev: whole, conversationId: text, change: ownChange }),
  typing: record({ conversationId: text, userId: text, isTyping: flag }),
  apart: record({ lowId: text, highId: text, isApart: flag }),
});
