import { expect, test } from "bun:test";
import fc from "fast-check";
import { mergedMetadata } from "./metadata.ts";

const objects = fc
  .dictionary(fc.string({ unit: "binary" }), fc.jsonValue(), { noNullPrototype: true })
  .map((object) => JSON.stringify(object));

test("what is merged is what both say at their top level, and where both say something, the later one", () => {
  fc.assert(
    fc.property(objects, objects, (metadata, patch) => {
      const merged = mergedMetadata(metadata, patch);
      const expected = Object.fromEntries(
        [metadata, patch].flatMap((text) => Object.entries(JSON.parse(text))),
      );
      expect(JSON.parse(merged)).toEqual(JSON.parse(JSON.stringify(expected)));
    }),
  );
});

test("merging nothing, or the same again, gives the same text", () => {
  fc.assert(
    fc.property(objects, (metadata) => {
      expect(mergedMetadata(metadata, "{}")).toBe(metadata);
      expect(mergedMetadata(metadata, metadata)).toBe(metadata);
    }),
  );
});

test("values that are not replaced stay digit for digit, numbers that no double holds included", () => {
  const before = '{"id":12345678901234567890,"deep":{"n":[9007199254740993,"a}\\"b,"]},"x":1}';
  expect(mergedMetadata(before, '{"x":98765432109876543210,"y":{}}')).toBe(
    '{"id":12345678901234567890,"deep":{"n":[9007199254740993,"a}\\"b,"]},"x":98765432109876543210,"y":{}}',
  );
});

test("__proto__ is a name like any other", () => {
  expect(mergedMetadata('{"__proto__":1}', '{"__proto__":{"a":2}}')).toBe('{"__proto__":{"a":2}}');
});
