import { expect, test } from "bun:test";
import { newId } from "../../system.ts";
import { aMessageSent, aSend, aState } from "../../testing/builders/builders.ts";
import { applyAll, decideWith, someFacts } from "../../testing/builders/facts.ts";
import { needsOf } from "../commands.ts";
import type { ConversationState } from "../conversations/conversation.ts";
import type { Message, MessageChanged, MessageSent } from "./message.ts";
import { longestQuote } from "./quote.ts";
import { noSuchReplyTarget } from "./reply.ts";
import type { SendMessage } from "./send.ts";

/** A conversation with one known message of the first member. */
function aTalk(given: Partial<Message> = {}) {
  const [anna, ben] = [newId(), newId()];
  const state = aState({ userIds: [anna, ben], seq: 5, rev: 8 });
  const parent = messageOf(
    aMessageSent({ conversationId: state.id, senderId: anna, seq: 3, rev: 4, ...given }),
  );
  const facts = someFacts({ messages: [parent] });
  const send = (more: Partial<SendMessage>) => {
    const command = aSend({ conversationId: state.id, senderId: ben, replyToId: parent.id, ...more });
    const decision = decideWith(state, facts, command, parent.sentAtUs + 10);
    if (decision.type === "decided") applyAll(state, facts, decision.events);
    return decision;
  };
  return { anna, ben, state, facts, parent, send };
}

function messageOf({ type: _, releasesKeyOf: __, ...message }: MessageSent): Message {
  return message;
}

function joinedAt(state: ConversationState, userId: string, joinedSeq: number): void {
  const members = new Map(state.members);
  members.set(userId, { ...members.get(userId)!, joinedSeq });
  state.members = members;
}

test("a reply carries which message it answers, and what that one says", () => {
  const { anna, parent, send } = aTalk({ content: "question" });
  expect(send({ content: "answer" })).toMatchObject({
    events: [
      {
        type: "message_sent",
        seq: 6,
        content: "answer",
        replyTo: {
          id: parent.id,
          seq: 3,
          quote: { senderId: anna, messageType: "text", content: "question", isDeleted: false },
        },
      },
    ],
  });
  const needed = (command: SendMessage) => needsOf(command).messages?.(command);
  expect(needed(aSend({ replyToId: parent.id }))).toEqual([parent.id]);
  expect(needed(aSend({}))).toEqual([]);
});

test("a long message is not quoted in part, and a deleted one can be answered and says nothing", () => {
  const quoteOf = (given: Partial<Message>) => {
    const decision = aTalk(given).send({});
    return decision.type === "decided" ? (decision.events[0] as MessageSent).replyTo!.quote : null;
  };
  expect(quoteOf({ content: "é".repeat(longestQuote / 2) })?.content).toHaveLength(longestQuote / 2);
  expect(quoteOf({ content: "é".repeat(longestQuote / 2 + 1) })?.content).toBeNull();
  expect(quoteOf({ content: "", deletedAtUs: 1 })).toMatchObject({ content: null, isDeleted: true });
});

test("what does not exist or is from before the membership cannot be answered, and the refusal names the field", () => {
  const { ben, state, send } = aTalk();
  expect(send({ replyToId: newId() })).toEqual(noSuchReplyTarget);
  joinedAt(state, ben, 3);
  expect(send({})).toEqual(noSuchReplyTarget);
  expect(noSuchReplyTarget).toMatchObject({ code: "invalid_payload" });
  expect(Object.keys(noSuchReplyTarget.details!)).toEqual(["reply_to_id"]);
  expect([state.seq, state.rev]).toEqual([5, 8]);
});

test("I3: what was sent before is a duplicate, whatever it says that it answers", () => {
  const { send } = aTalk();
  expect(send({ clientRandom: 7 }).type).toBe("decided");
  const duplicate = { type: "duplicate", seq: 6, joinedSeq: 0 } as const;
  expect(send({ clientRandom: 7 })).toEqual(duplicate);
  expect(send({ clientRandom: 7, replyToId: newId() })).toEqual(duplicate);
  expect(send({ clientRandom: 7, replyToId: null })).toEqual(duplicate);
});

test("an edited reply shows what it answers as that is by then, and a deleted one shows nothing of it", () => {
  const { anna, ben, state, facts, parent, send } = aTalk();
  const sent = send({});
  const reply = messageOf((sent as { events: readonly MessageSent[] }).events[0]!);
  facts.learnMessage(reply.id, reply);
  const act = (type: "edit_message" | "delete_message", senderId: string, messageId: string) => {
    const given = { id: newId(), conversationId: state.id, senderId, messageId, withinUs: 100 };
    const command =
      type === "edit_message"
        ? ({ ...given, type, content: "better", metadata: null, mentions: false } as const)
        : ({ ...given, type } as const);
    const decision = decideWith(state, facts, command, parent.sentAtUs + 20);
    if (decision.type !== "decided") throw new Error(decision.type);
    applyAll(state, facts, decision.events);
    return (decision.events[0] as MessageChanged).message;
  };
  act("edit_message", anna, parent.id);
  expect(act("edit_message", ben, reply.id).replyTo?.quote?.content).toBe("better");
  const { replyTo } = act("delete_message", ben, reply.id);
  expect(replyTo).toEqual({ id: parent.id, seq: 3, quote: null });
});
