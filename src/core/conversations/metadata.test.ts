import { expect, test } from "bun:test";
import fc from "fast-check";
import { changedNames, mergedMetadata } from "./metadata.ts";

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

const names = fc.constantFrom(
  "message_permission",
  "media_permission",
  "who_can_send",
  '"a":{"',
  "__proto__",
);
const settings = fc.option(
  fc.dictionary(names, fc.constantFrom("all_members", "admins_only", null, 1, { a: '}"' }), {
    noNullPrototype: true,
  }),
);
const patches = fc.record({ name: fc.string(), group_settings: settings }, { requiredKeys: [] });

/** What a group's settings are after each of these, said plainly. */
function settingsAfter(given: readonly { readonly group_settings?: object | null }[]): unknown {
  let kept: unknown;
  for (const patch of given) {
    if (!Object.hasOwn(patch, "group_settings")) continue;
    const { group_settings } = patch;
    const all = new Map(Object.entries((kept ?? {}) as object));
    for (const [name, value] of Object.entries(group_settings ?? {})) all.set(name, value);
    for (const [name, value] of all) if (value === null) all.delete(name);
    kept = group_settings ? Object.fromEntries(all) : group_settings;
  }
  return kept;
}

test("settings merge name by name: what a change does not name stays, a null takes one away, null instead of them all", () => {
  fc.assert(
    fc.property(fc.array(patches, { maxLength: 8 }), (given) => {
      let metadata = "{}";
      for (const patch of given) {
        const before = metadata;
        metadata = mergedMetadata(metadata, JSON.stringify(patch));
        expect(changedNames(before, metadata).length > 0).toBe(
          !Bun.deepEquals(JSON.parse(before), JSON.parse(metadata)),
        );
      }
      expect(JSON.parse(metadata).group_settings).toEqual(settingsAfter(given));
    }),
  );
});

test("settings of 0.3 under the name groupSettings move with the first change of one, where they counted", () => {
  const patch = '{"group_settings":{"media_permission":"admins_only"}}';
  const former = '{"groupSettings":{"message_permission":"admins_only","x":12345678901234567890}}';
  expect(mergedMetadata(former, patch)).toBe(
    '{"group_settings":{"message_permission":"admins_only","x":12345678901234567890,"media_permission":"admins_only"}}',
  );
  expect(mergedMetadata(former, '{"name":"x"}')).toBe(`${former.slice(0, -1)},"name":"x"}`);
  for (const counting of ["null", "{}", "7"])
    expect(mergedMetadata(`{"group_settings":${counting},${former.slice(1)}`, patch)).toBe(patch);
});
