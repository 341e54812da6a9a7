import fc from "fast-check";

export const seeds = fc.integer({ min: 0, max: 0x7fff_ffff });

/** Microseconds, from 1716 to 2254. */
export const instants = fc.integer({ min: -8_000_000_000_000_000, max: 8_990_000_000_000_000 });

/** Any text that UTF-8 can hold, U+0000 and what needs escapes in JSON included. */
export const wellFormedText = fc.oneof(
  fc.string({ unit: "binary", maxLength: 40 }),
  fc.constantFrom(
    "\u0000",
    "a\u0000b",
    "\\u0000",
    "\u2028",
    "😀",
    "\r\n\t",
    "'; drop table messages; --",
    "\uffff",
  ),
);

export const clientRandoms = fc.oneof(
  fc.constantFrom(0, 1, 2 ** 32 - 1),
  fc.integer({ min: 0, max: 2 ** 32 - 1 }),
);

/** As SQL and TypeScript both know them: lower case, any version. */
export const uuids = fc.uuid();
