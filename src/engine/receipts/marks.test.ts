import { describe, expect, test } from "bun:test";
import type { MarkMember } from "../../core/messages/marks.ts";
import type { Batch } from "../../core/ports/commit.ts";
import { newId } from "../../system.ts";
import { aSend, membersNamed } from "../../testing/builders/builders.ts";
import { anEngine, type EngineOnModelOptions } from "../../testing/model/engine-on-model.ts";

const aDataError = { type: "refused", cause: "data", error: new Error("invalid data") } as const;

/** An engine with a conversation of anna and ben in which anna has written once, and her own mark has rested. */
async function aTalk(options: EngineOnModelOptions = {}) {
  const given = anEngine(options);
  const { id, anna, ben } = given.aConversation();
  const first = given.submit({ conversationId: id, senderId: anna });
  await given.clock.runUntil(() => first.outcomes.length > 0, 1_000);
  await given.clock.runFor(3_000);
  const note = (mark: Partial<MarkMember>) => {
    const answers: string[] = [];
    given.engine.marks.note(
      { type: "mark", conversationId: id, userId: ben, kind: "read", seq: 1, ...mark },
      (refusal) => void answers.push(refusal?.code ?? "durable"),
    );
    return answers;
  };
  const marksOf = (userId: string) => {
    const { deliveredSeq, readSeq } = given.model.marksOf(id, userId)!;
    return { deliveredSeq, readSeq };
  };
  return { ...given, id, anna, ben, first, note, marksOf };
}

test("whoever sends has read", async () => {
  const { anna, ben, marksOf, engine } = await aTalk();
  expect(marksOf(anna)).toEqual({ deliveredSeq: 1, readSeq: 1 });
  expect(marksOf(ben)).toEqual({ deliveredSeq: 0, readSeq: 0 });
  engine.stop();
});

test("a mark that is stored is told with what became of the messages, and its answer came when it was durable", async () => {
  const { id, ben, note, marksOf, clock, frames, engine } = await aTalk();
  frames.length = 0;
  const answers = note({});
  expect(answers).toEqual([]);
  await clock.runUntil(() => answers.length > 0, 200);
  expect(answers).toEqual(["durable"]);
  expect(marksOf(ben)).toEqual({ deliveredSeq: 1, readSeq: 1 });
  expect(frames).toEqual([
    expect.objectContaining({
      type: "marks",
      conversationId: id,
      moved: [expect.objectContaining({ userId: ben, readFrom: 0, readTo: 1 })],
      statuses: [expect.objectContaining({ status: "read" })],
      lastJoinedSeq: 0,
    }),
  ]);
  engine.stop();
});

test("a conversation that is read again within a second of being marked as unread is unread no longer", async () => {
  const { id, ben, note, clock, model, frames, engine } = await aTalk();
  const read = note({});
  await clock.runUntil(() => read.length > 0, 200);
  const messageId = model.logs.get(id)!.messages[0]!.id;
  const command = { type: "mark_unread", userId: ben, conversationId: id, messageId } as const;
  const marked = engine.queries.markUnread(command);
  await clock.runFor(100);
  expect(await marked).toEqual({ ownRev: 1, seq: 1 });
  const again = note({});
  await clock.runUntil(() => again.length > 0, 2_000);
  await clock.runFor(100);
  const own = frames.flatMap((frame) => (frame.type === "own" ? [[frame.ownRev, frame.change.from]] : []));
  expect(own).toEqual([
    [1, { messageId, seq: 1 }],
    [2, null],
  ]);
  engine.stop();
});

test("a mark up to a message that is not there is refused, and told nowhere", async () => {
  const { id, ben, clock, engine, frames } = await aTalk();
  frames.length = 0;
  const answers: string[] = [];
  const mark = { conversationId: id, userId: ben, kind: "read", messageId: "unknown" } as const;
  void engine.marks.noteMessage(mark, (refusal) => void answers.push(refusal?.code ?? "durable"));
  await clock.runFor(2_000);
  expect({ answers, frames }).toEqual({ answers: ["not_found"], frames: [] });
  engine.stop();
});

test("a mark up to a message that cannot be looked up is refused, and others that are looked up with it are not", async () => {
  const { id, ben, clock, engine, actorReads, notes } = await aTalk();
  const { findSeqs } = actorReads;
  actorReads.findSeqs = async (asked) => {
    if (asked.some(({ messageId }) => messageId === "guilty")) throw new Error("a bug");
    return findSeqs(asked);
  };
  const answers = new Map<string, string>();
  for (const messageId of ["one", "guilty", "other"]) {
    const mark = { conversationId: id, userId: ben, kind: "read", messageId } as const;
    void engine.marks.noteMessage(mark, (refusal) => void answers.set(messageId, refusal!.code));
  }
  await clock.runFor(2_000);
  expect(Object.fromEntries(answers)).toEqual({ one: "not_found", guilty: "internal", other: "not_found" });
  expect(notes.bugs).toHaveLength(1);
  engine.stop();
});

test("marks of a conversation whose members change wait for the next batch", async () => {
  const { engine, model, clock, batches, hold, release } = anEngine();
  const [id, anna, ben] = [newId(), newId(), newId()];
  model.create(id, membersNamed([anna, ben]), "group");
  const answers: string[] = [];
  const mark = { type: "mark", conversationId: id, userId: ben, kind: "read", seq: 1 } as const;
  engine.commands.submit(
    aSend({ conversationId: id, senderId: anna }),
    () => void answers.push("sent"),
    null,
  );
  await clock.runUntil(() => answers.length > 0, 1_000);
  hold();
  engine.commands.submit(
    { type: "leave_conversation", id: newId(), conversationId: id, senderId: ben },
    () => answers.push("left"),
    null,
  );
  engine.marks.note(mark, (refusal) => void answers.push(refusal?.code ?? "durable"));
  release();
  await clock.runUntil(() => answers.length === 3, 3_000);
  expect(answers).toEqual(["sent", "left", "not_found"]);
  expect(batches.at(-1)!.changes).toEqual([]);
  expect(model.misuses).toEqual([]);
  engine.stop();
});

describe("what the store refuses", () => {
  const isBad = ({ marks }: Batch) => marks.some((mark) => mark.readSeq === 13);
  const options = { outcomeOf: (batch: Batch) => (isBad(batch) ? aDataError : null) };

  test("in marks is refused to those who wait for them, and costs no message beside them", async () => {
    const { id, anna, note, submit, clock, contents, notes, engine } = await aTalk(options);
    const bad = note({ seq: 13 });
    const sent = submit({ conversationId: id, senderId: anna, content: "beside" });
    await clock.runUntil(() => bad.length > 0 && sent.outcomes.length > 0, 3_000);
    expect(bad).toEqual(["internal"]);
    expect(sent.outcomes).toEqual([expect.objectContaining({ type: "done" })]);
    expect(contents(id)).toEqual(["hello", "beside"]);
    expect(notes.bugs.map(({ where }) => where)).toEqual(["a mark that the store refuses"]);
    engine.stop();
  });

  test("in one mark costs no mark of anybody else that goes with it", async () => {
    const given = await aTalk(options);
    const { id, anna, note, submit, clock, batches, notes, engine, hold, release } = given;
    hold();
    submit({ conversationId: id, senderId: anna });
    await clock.runFor(1);
    const [bad, good] = [note({ seq: 13 }), note({ userId: anna })];
    const before = batches.length;
    release();
    await clock.runUntil(() => bad.length + good.length === 2, 5_000);
    expect(batches[before]!.marks).toHaveLength(2);
    expect([bad, good]).toEqual([["internal"], ["durable"]]);
    expect(notes.bugs.map(({ where }) => where)).toEqual(["a mark that the store refuses"]);
    engine.stop();
  });

  test("in a message costs no mark beside it", async () => {
    const { id, anna, ben, note, marksOf, submit, clock, engine } = await aTalk();
    const answers = note({});
    const sent = submit({ conversationId: id, senderId: anna, content: "poison" });
    await clock.runUntil(() => answers.length > 0 && sent.outcomes.length > 0, 3_000);
    expect(answers).toEqual(["durable"]);
    expect(sent.outcomes).toEqual([expect.objectContaining({ code: "internal" })]);
    expect(marksOf(ben).readSeq).toBe(1);
    engine.stop();
  });
});

describe("a bug", () => {
  test("in telling of marks keeps no message from its answer", async () => {
    let isBroken = false;
    const publish = ({ type }: { readonly type: string }) => {
      if (isBroken && type === "marks") throw new Error("a listener that throws");
    };
    const { id, anna, note, submit, clock, contents, notes, engine } = await aTalk({ publish });
    isBroken = true;
    const answers = note({});
    const sent = submit({ conversationId: id, senderId: anna, content: "beside" });
    await clock.runUntil(() => answers.length > 0 && sent.outcomes.length > 0, 3_000);
    expect(sent.outcomes).toEqual([expect.objectContaining({ type: "done" })]);
    expect(contents(id)).toEqual(["hello", "beside"]);
    expect(notes.bugs.map(({ where }) => where)).toContain("telling of marks");
    engine.stop();
  });

  test("in the lane loses no mark: it goes again", async () => {
    let isBroken = true;
    const outcomeOf = ({ marks }: Batch) => {
      if (!isBroken || !marks.some((mark) => mark.readSeq === 1 && mark.deliveredSeq === 1)) return null;
      isBroken = false;
      throw new Error("a port that throws");
    };
    const { ben, note, marksOf, clock, engine } = await aTalk({ outcomeOf });
    const answers = [note({}), note({ kind: "delivered" })];
    await clock.runUntil(() => answers.every((each) => each.length > 0), 3_000);
    expect(answers).toEqual([["durable"], ["durable"]]);
    expect(marksOf(ben)).toEqual({ deliveredSeq: 1, readSeq: 1 });
    const drained = engine.drain();
    await clock.runFor(2_000);
    await drained;
    engine.stop();
  });
});
