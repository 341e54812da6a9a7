import { expect, test } from "bun:test";
import { isRejection } from "../../core/rejection.ts";
import { settled } from "../../testing/clock.ts";
import { eventually } from "../../testing/eventually.ts";
import { jsonResponse } from "./json-response.ts";
import { UnreadAnswers } from "./unread-answers.ts";

test("the more answers are unread, the smaller is one that is given in one piece and not counted", async () => {
  const world = { unread: 0 };
  const answers = new UnreadAnswers({
    maxBytes: 1 << 26,
    unread: () => world.unread,
    endUnlessRead() {},
  });
  const request = new Request("http://localhost/");
  const give = () => answers.bounded(request, "anna", jsonResponse(200, "x".repeat(1 << 20)));
  world.unread = 7;
  await give();
  expect(answers.bytes).toBe(0);
  world.unread = 8;
  const inPieces = await give();
  expect(answers.bytes).toBe(1 << 20);
  if (isRejection(inPieces)) throw new Error("refused where there is room");
  expect((await inPieces.arrayBuffer()).byteLength).toBe(1 << 20);
  expect(answers.bytes).toBe(0);
});

test("an answer that was cut off is forgotten with its connection, also when its client went on reading", async () => {
  const answers = new UnreadAnswers({ maxBytes: 1 << 20, unread: () => 8, endUnlessRead() {} });
  const request = new Request("http://localhost/");
  const given: WeakRef<ReadableStream>[] = [];
  const give = async (owner: string) => {
    const answer = await answers.bounded(request, owner, jsonResponse(200, "x".repeat(1 << 20)));
    if (isRejection(answer)) throw new Error("refused where there is room");
    const body = answer.body!;
    given.push(new WeakRef(body));
    return () => void body.getReader().read();
  };
  let readOn = () => {};
  for (let owner = 0; owner < 100; owner++) {
    // Each is given at the cost of the one before.
    const next = await give(`user ${owner}`);
    readOn();
    readOn = next;
    await settled();
  }
  readOn = () => {};
  await eventually("most of them to be forgotten", () => {
    Bun.gc(true);
    return given.filter((each) => each.deref()).length < 20;
  });
});
