import { expect, test } from "bun:test";
import { isRejection } from "../core/rejection.ts";
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
