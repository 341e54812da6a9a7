import { expect, test } from "bun:test";
import { sampleIds } from "../../operations/sample-ids.ts";
import { FrameTruth } from "./frame-truth.ts";
import { takeNoted } from "./noted.ts";
import { bodyProblem, statusProblem } from "./rest-truth.ts";

const { conversation, message } = sampleIds;
const topic = `conversation:${conversation}`;
const receipt = { method: "PATCH", pathname: `/api/v1/messages/${message}/receipt`, status: 200 };
const marked = { message_id: message, user_id: sampleIds.bob, status: "read" };

function replied(sent: string, reply: object): string | null {
  const truth = new FrameTruth();
  truth.sent(`["1","7","${topic}","${sent}",{}]`);
  return truth.problem(JSON.stringify(["1", "7", topic, "phx_reply", reply]));
}

test("whatever a test receives by fetch and by WebSocket is looked at", async () => {
  const push = JSON.stringify([null, null, topic, "user_types", {}]);
  const server = Bun.serve({
    port: 0,
    fetch: (request, self) => (self.upgrade(request) ? undefined : Response.json({ data: 1, meta: {} })),
    websocket: { open: (socket) => void socket.send(push), message() {} },
  });
  const answer = await fetch(new URL("/api/v1/conversations", server.url));
  await answer.json();
  const socket = new WebSocket(server.url);
  await new Promise((resolve) => socket.addEventListener("message", resolve));
  socket.close();
  await server.stop(true);
  const undocumented = expect.stringContaining("conversations: 200:");
  expect(takeNoted()).toEqual([undocumented, expect.stringContaining("user_types on conversation")]);
});

test("among many replies that are alike, a refusal with another reason is looked at", () => {
  const ok = { status: "ok", response: {} };
  const wrong = { status: "ok", response: { at: 1 } };
  for (let count = 0; count < 40; count++) expect(replied("user_typing", ok)).toBeNull();
  expect(replied("user_typing", wrong)).toBeNull();
  expect(replied("user_typing", { status: "error", response: { reason: "conflict" } })).toContain("allowed");
});

test("an answer over REST must have a status, fields and a code that are documented", () => {
  const body = (data: object) => JSON.stringify({ data, meta: {} });
  const refused = (error: string) => JSON.stringify({ error, message: "no" });
  expect(bodyProblem(receipt, body(marked))).toBeNull();
  expect(bodyProblem(receipt, body({ ...marked, seq: 1 }))).toContain("additional properties");
  expect(bodyProblem({ ...receipt, status: 404 }, refused("not_found"))).toBeNull();
  expect(bodyProblem({ ...receipt, status: 404 }, refused("forbidden"))).toContain("allowed values");
  expect(statusProblem({ ...receipt, status: 409 })).toContain("409 is not documented");
  expect(statusProblem({ ...receipt, method: "POST", status: 201 })).toContain("not documented");
});

test("a reply must have fields and a reason that are documented for its event", () => {
  expect(replied("user_typing", { status: "ok", response: {} })).toBeNull();
  expect(replied("user_typing", { status: "ok", response: { at: 1 } })).toContain("additional properties");
  expect(replied("user_typing", { status: "error", response: { reason: "rate_limited" } })).toBeNull();
  expect(replied("user_typing", { status: "error", response: { reason: "conflict" } })).toContain("allowed");
  expect(replied("mark_unread", { status: "ok", response: { status: "read" } })).toContain("constant");
});

test("a push must have a name and fields that are documented on its topic", () => {
  const pushed = (event: string, payload: object) =>
    new FrameTruth().problem(JSON.stringify([null, null, topic, event, payload]));
  const typing = { conversation_id: conversation, user_id: sampleIds.bob, typing: true };
  expect(pushed("user_typing", typing)).toBeNull();
  expect(pushed("user_typing", { ...typing, device: "phone" })).toContain("additional properties");
  expect(pushed("user_types", typing)).toContain("is not documented");
  expect(pushed("caught_up", {})).toContain("is not documented");
});
