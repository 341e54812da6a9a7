import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { visibleTextProblem } from "./visible-text.ts";

/** Of each kind that shows nothing. */
const invisible = [
  " ",
  "\u00a0",
  "\u1680",
  "\u2003",
  "\u202f",
  "\u3000",
  "\u00ad",
  "\u034f",
  "\u115f",
  "\u1160",
  "\u17b4",
  "\u180e",
  "\u200b",
  "\u200c",
  "\u200d",
  "\u2060",
  "\u2061",
  "\u2064",
  "\u206a",
  "\u2800",
  "\u3164",
  "\ufe0f",
  "\ufeff",
  "\uffa0",
  "\ufff9",
  "\u0301",
  "\u20e3",
  "\u{1d159}",
  "\u{1d173}",
  "\u{13441}",
  "\u{16fe4}",
  "\u{e0001}",
  "\u{e0067}",
  "\u{e01ef}",
  "\u{e0fff}",
  "\u0378",
  "\u{10ffff}",
];
const bidirectional = [..."\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"];
const controls = [..."\u0000\t\n\r\u001b\u007f\u0085\u2028\u2029"];
const visible = [
  "a",
  "é",
  "e\u0301",
  "7",
  ".",
  "-",
  "中",
  "한",
  "ש",
  "العربية",
  "नमस्ते",
  "می\u200cروم",
  "👍",
  "👍🏽",
  "❤",
  "❤️",
  "👩‍👩‍👧‍👦",
  "👩🏽‍❤️‍💋‍👨🏿",
  "1️⃣",
  "#⃣",
  "🇫🇷",
  "🇫",
  "🏻",
  "🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}",
  "🏴‍☠️",
  "\u{1faff}",
  "\ue000",
  "\ufffd",
];

describe("a text by which people tell things apart", () => {
  test("is refused when nothing of it is visible, however long it is", () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...invisible), { maxLength: 40 }), (characters) => {
        expect(visibleTextProblem(characters.join(""))).toContain("must hold a visible character");
      }),
      { examples: [[[]], ...invisible.map((each): [string[]] => [[each]])] },
    );
  });

  test("is taken with one visible character, whatever invisible ones stand beside it: joiners, selectors and tags make emoji", () => {
    const some = fc.array(fc.constantFrom(...invisible, ...visible), { maxLength: 10 });
    fc.assert(
      fc.property(some, fc.constantFrom(...visible), some, (before, character, after) => {
        expect(visibleTextProblem([...before, character, ...after].join(""))).toBeNull();
      }),
      { examples: visible.map((each): [string[], string, string[]] => [[], each, []]) },
    );
  });

  test.each([
    ["bidirectional controls", bidirectional],
    ["control characters", controls],
    ["unpaired surrogates", ["\ud800", "\udc00", "\udfff"]],
  ])("is refused with %s anywhere in it, and told so", (named, characters) => {
    const text = fc.string({ unit: "grapheme" }).filter((each) => visibleTextProblem(`x${each}`) === null);
    fc.assert(
      fc.property(text, fc.constantFrom(...characters), text, (before, character, after) => {
        expect(visibleTextProblem(`x${before} ${character} ${after}`)).toContain(named);
      }),
    );
  });

  test("is taken with any letter, number, punctuation or symbol alone, but for the blanks among them", () => {
    const shows = /^[\p{L}\p{N}\p{P}\p{S}]$/u;
    const ignorable = /\p{Default_Ignorable_Code_Point}/u;
    const refused: string[] = [];
    for (let codePoint = 0; codePoint <= 0x10ffff; codePoint++) {
      const character = String.fromCodePoint(codePoint);
      if (shows.test(character) && !ignorable.test(character) && visibleTextProblem(character) !== null)
        refused.push(codePoint.toString(16));
    }
    expect(refused).toEqual(["2800", "13441", "13442", "1d159"].filter((code) => refused.includes(code)));
    expect(refused).toContain("2800");
  });
});
