import { expect, test } from "bun:test";
import fc from "fast-check";
import { isRejection, reject } from "../core/rejection.ts";
import { noteTaker } from "../testing/builders/builders.ts";
import { freeCharge } from "../testing/costs/limits-off.ts";
import { operations } from "./list.ts";
import type { Operation } from "./operation.ts";
import type { Services } from "./services.ts";
import { conversationTopic } from "./topics/topics.ts";

const id = "0192a7c0-0000-7000-8000-00000000000a";
const away = reject("unavailable", "nothing is there");
const caller = { userId: id, deviceId: null, deviceTag: 0, connectionKey: "1" };

/** What was read. */
let reads: string[] = [];

/** Services that take everything, and have nothing to read. */
const services = {
  commands: { submit: (_command: unknown, answer: (outcome: object) => void) => answer(away) },
  queries: new Proxy({}, { get: (_, name) => () => read(String(name)) }),
  marks: { note: refuse, noteIfMember: refuse, noteMessage: refuse },
  typing: { signalled() {} },
  presences: { setStatus() {}, shows: () => true },
  limits: {
    maxContentBytes: 65_536,
    maxMetadataBytes: 16_384,
    editWindowMs: 1,
    deleteWindowMs: 1,
    asksFirst: false,
  },
  observer: noteTaker().observer,
  newId: () => id,
  clock: { nowUs: () => 1 },
} as unknown as Services;

async function read(name: string) {
  reads.push(name);
  return away;
}

function refuse(_mark: unknown, answer: (refusal: object) => void): void {
  answer(away);
}

/** What each door with a payload answers to it. */
async function answersOf(
  { rest, channel }: Operation,
  payload: unknown,
  query: Readonly<Record<string, string>> = { conversation_id: id },
): Promise<unknown[]> {
  const answers: unknown[] = [];
  for (const door of rest) {
    const call = {
      caller,
      params: { id, userId: id, reaction: "a" },
      query: new URLSearchParams(query),
      charge: freeCharge(),
      hasBody: true,
      header: () => null,
      json: async () => ({ value: payload }),
    };
    if (door.body) answers.push(await door.answer(call, services));
  }
  for (const door of channel) {
    const topic = conversationTopic(id);
    const event = { topic, event: door.events[0], payload, identity: caller };
    await door.receive(event, services, freeCharge(), (reply) => void answers.push(reply));
  }
  return answers;
}

test("I11: any JSON value that is sent as a payload is taken or refused at every door, and never thrown", async () => {
  const fields = fc.constantFrom(
    ...["content", "metadata", "client_random", "message_type", "__proto__", "x"],
    ...["message", "conversation", "member_ids", "rawJSON", "reaction", "typing", "attachments"],
    ...["type", "user_ids", "user_id", "name", "role", "metadata", "seq", "message_id", "status"],
  );
  const values = fc.oneof(
    fc.jsonValue(),
    fc.constantFrom("group", "direct", "text", "read", id, [id], "rejection"),
  );
  const inner = fc.dictionary(fields, values);
  const payload = fc.oneof(fc.jsonValue(), inner, fc.dictionary(fields, fc.oneof(values, inner)));
  await fc.assert(
    fc.asyncProperty(payload, async (value) => {
      for (const operation of operations)
        for (const answer of await answersOf(operation, value))
          expect(["string", "object"]).toContain(typeof answer);
    }),
  );
});

test("the bytes of a binary push are no payload", async () => {
  for (const operation of operations) {
    const answers = await answersOf(operation, new Uint8Array(500_000));
    expect(answers.every((answer) => isRejection(answer as object))).toBe(true);
  }
});

test("a payload that does not fit is refused before anything is read, also where a message is looked up", async () => {
  for (const operation of operations) {
    reads = [];
    for (const answer of await answersOf(operation, "none", {}))
      expect([operation.name, answer]).toMatchObject([operation.name, { code: "invalid_payload" }]);
    expect(reads).toEqual([]);
  }
});

test("every operation has a name of its own, a sentence that says what it does, and a door", () => {
  expect(new Set(operations.map(({ name }) => name)).size).toBe(operations.length);
  for (const { name, summary, rest, channel } of operations) {
    expect(name).toMatch(/^[a-z]+(_[a-z]+)*$/);
    expect(summary).toMatch(/^[A-Z].*\.$/);
    expect(rest.length + channel.length).toBeGreaterThan(0);
  }
});

test("no two operations answer to the same request or event", () => {
  const doors = operations.flatMap(({ rest, channel }) => [
    ...rest.map(({ method, path }) => `${method} ${path}`),
    ...channel.flatMap(({ topic, events }) => events.map((event) => `${topic}: ${event}`)),
  ]);
  expect(new Set(doors).size).toBe(doors.length);
});
