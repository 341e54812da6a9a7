import { expect, test } from "bun:test";
import { Type } from "@sinclair/typebox";
import type { Rejection } from "../core/rejection.ts";
import { optional, uuid } from "./fields.ts";
import { fieldIn, PayloadShape } from "./payload-shape.ts";

const shape = new PayloadShape({
  operation: "try",
  nestedIn: "thing",
  aliases: { other_ids: "ids" },
  schema: Type.Object({
    text: Type.String({ description: "must be a string" }),
    type: Type.Optional(Type.Number({ description: "must be a number" })),
    id: optional(uuid, "must be an id"),
    ids: optional(Type.Array(uuid), "must be ids"),
  }),
});

/** What is read of a payload, and how many of its fields were counted as unknown. */
function read(payload: unknown) {
  const counted: [string, number][] = [];
  const observer = { unknownFields: (...count: [string, number]) => void counted.push(count) };
  return { body: shape.parse(payload, observer), counted };
}

const id = "0192a7c0-0000-7000-8000-00000000000a";

test.each([
  ["as it is", { text: "a", type: 1 }, { text: "a", type: 1 }, 0],
  ["without its unknown fields", { text: "a", tempId: 1, x: {} }, { text: "a" }, 2],
  ["from the object that it is nested in", { thing: { text: "a", type: 1 } }, { text: "a", type: 1 }, 0],
  ["with what stands beside that", { type: 1, thing: { text: "a" } }, { text: "a", type: 1 }, 0],
  ["with what stands beside that, which wins", { text: "b", thing: { text: "a" } }, { text: "b" }, 0],
  ["without the unknown fields of both", { y: 1, thing: { text: "a", z: 1 } }, { text: "a" }, 2],
  ["when the nest is none, which is an unknown field", { text: "a", thing: "b" }, { text: "a" }, 1],
  ["by the other name of a field", { text: "a", other_ids: [id] }, { text: "a", ids: [id] }, 0],
  ["by a field's own name, which wins", { text: "a", ids: [], other_ids: [id] }, { text: "a", ids: [] }, 0],
  ["also nested by that", { thing: { text: "a", other_ids: [id] } }, { text: "a", ids: [id] }, 0],
  ["without what it inherits", JSON.parse(`{"text":"a","__proto__":{"type":7}}`), { text: "a" }, 1],
  ["with ids as keys", { text: "A", id: id.toUpperCase() }, { text: "A", id }, 0],
  ["with each of several ids once", { text: "a", ids: [id, id.toUpperCase()] }, { text: "a", ids: [id] }, 0],
  ["with an id that is left out", { text: "a", id: null }, { text: "a", id: null }, 0],
] as const)("a payload is read %s", (_, payload, body, count) => {
  expect(read(payload)).toEqual({ body, counted: count === 0 ? [] : [["try", count]] } as never);
});

test("what a client sends is never changed, nor kept", () => {
  const payload = { text: "a", id: id.toUpperCase(), ids: [id.toUpperCase()] };
  const before = structuredClone(payload);
  expect(read(payload).body).not.toBe(payload);
  expect(payload).toEqual(before);
});

test.each([
  [{ tempId: 1 }, { text: "is required: must be a string" }],
  [{ text: 7, x: 1 }, { text: "must be a string" }],
  [{ thing: { text: 7, type: "rejection" } }, { text: "must be a string", type: "must be a number" }],
  [{ text: "a", id: `urn:uuid:${id}` }, { id: "must be an id" }],
  [{ text: "a", id: `{${id}}` }, { id: "must be an id" }],
  [{ text: "a", id: id.replaceAll("-", "") }, { id: "must be an id" }],
  [{ text: "a", other_ids: "b" }, { ids: "must be ids" }],
])("%j is refused for its known fields alone", (payload, details) => {
  const { body, counted } = read(payload);
  expect(counted).toEqual([]);
  expect(body).toMatchObject({ type: "rejection", code: "invalid_payload", details });
  expect(Object.keys((body as Rejection).details ?? {})).toEqual(Object.keys(details));
});

test.each([[null], [7], ["text"], [[]], [new Uint8Array(3)]])("%p is no payload", (payload) => {
  const { body, counted } = read(payload);
  expect(counted).toEqual([]);
  expect(body).toMatchObject({ type: "rejection", message: "The payload must be a JSON object." });
  expect(fieldIn(payload, "text", "thing")).toBeUndefined();
});

test("of half a million unknown fields a hundred are counted", () => {
  const many = Object.fromEntries(Array.from({ length: 500_000 }, (_, index) => [`f${index}`, 1]));
  expect(read({ ...many, text: "a" })).toEqual({ body: { text: "a" }, counted: [["try", 100]] });
});
