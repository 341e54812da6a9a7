import { expect, test } from "bun:test";
import { newId } from "../../system.ts";
import { aMessageSent, aState } from "../../testing/builders/builders.ts";
import { applyAll, decideWith, someFacts } from "../../testing/builders/facts.ts";
import type { Message, ReactionChanged } from "./message.ts";
import { type AddReaction, reactionOf } from "./react.ts";
import { type Reaction, reactionsOf } from "./reaction.ts";

/** A conversation with one known message of the first member. */
function aTalk(given: Partial<Message> = {}) {
  const [anna, ben] = [newId(), newId()];
  const state = aState({ userIds: [anna, ben], seq: 5, rev: 8 });
  const sent = aMessageSent({ conversationId: state.id, senderId: anna, seq: 3, rev: 4, ...given });
  const { type: _, releasesKeyOf: __, ...message } = sent;
  const facts = someFacts({ messages: [message] });
  const act = (type: "add_reaction" | "remove_reaction", senderId: string, reaction: string, atUs = 0) => {
    const command = { id: newId(), conversationId: state.id, senderId, messageId: message.id, reaction };
    const decision = decideWith(state, facts, { type, ...command } as AddReaction, message.sentAtUs + atUs);
    if (decision.type === "decided") applyAll(state, facts, decision.events);
    return decision;
  };
  return { anna, ben, state, message, act, now: () => facts.message(message.id)! };
}

const given = (count: number): Reaction[] =>
  Array.from({ length: count }, (_, at) => ({
    id: newId(),
    userId: newId(),
    reaction: "👍",
    reactedAtUs: at,
  }));

test("a reaction is an event with the message as it is then: another revision, and nothing else than the reaction", () => {
  const { ben, message, act } = aTalk();
  const decision = act("add_reaction", ben, "👍", 7);
  const [event] = (decision as { events: readonly ReactionChanged[] }).events;
  const reaction = { id: event!.changeId, userId: ben, reaction: "👍", reactedAtUs: message.sentAtUs + 7 };
  expect(event).toMatchObject({ type: "reaction_added", rev: 9, reaction });
  expect(event!.message).toEqual({ ...message, rev: 9, reactions: reactionsOf([reaction]) });
});

test("commands that wait together are decided upon what those before them leave", () => {
  const { anna, ben, state, act, now } = aTalk();
  expect(act("add_reaction", ben, "👍").type).toBe("decided");
  expect(act("add_reaction", ben, "👍")).toEqual({ type: "unchanged", message: now() });
  expect(act("add_reaction", anna, "👍").type).toBe("decided");
  expect([...now().reactions!.counts]).toEqual([["👍", 2]]);
  expect(act("remove_reaction", ben, "👍").type).toBe("decided");
  expect(act("remove_reaction", ben, "👍")).toMatchObject({ code: "not_found" });
  expect(reactionOf(now(), ben, "👍")).toBeNull();
  expect(act("remove_reaction", anna, "👍").type).toBe("decided");
  expect(now().reactions).toBeNull();
  expect([state.seq, state.rev]).toEqual([5, 12]);
});

test("the times of a message's reactions grow, whatever the clock does: they are its order", () => {
  const { anna, ben, message, act, now } = aTalk();
  act("add_reaction", ben, "a", 100);
  act("add_reaction", ben, "b", 50);
  act("add_reaction", anna, "c", 50);
  const times = now().reactions!.list.map(({ reactedAtUs }) => reactedAtUs - message.sentAtUs);
  expect(times).toEqual([100, 101, 102]);
});

test("I10: a member gives twenty different ones at most, all members a thousand, and a tombstone takes none", () => {
  const full = aTalk({ reactions: reactionsOf(given(999)) });
  expect(full.act("add_reaction", full.ben, "👍").type).toBe("decided");
  expect(full.act("add_reaction", full.anna, "👍")).toMatchObject({ code: "conflict" });
  expect(full.act("add_reaction", full.ben, "👍").type).toBe("unchanged");
  const own = aTalk();
  for (let count = 0; count < 20; count++)
    expect(own.act("add_reaction", own.ben, `r${count}`).type).toBe("decided");
  expect(own.act("add_reaction", own.ben, "more")).toMatchObject({ code: "conflict" });
  const deleted = aTalk({ deletedAtUs: 1 });
  expect(deleted.act("add_reaction", deleted.ben, "👍")).toMatchObject({ code: "conflict" });
});

test("I8: a message from before the membership does not exist", () => {
  const { ben, state, act } = aTalk();
  const members = new Map(state.members);
  members.set(ben, { ...members.get(ben)!, joinedSeq: 3 });
  state.members = members;
  expect(act("add_reaction", ben, "👍")).toMatchObject({ code: "not_found" });
});
