import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { decode, type Frame, Malformed } from "./codec.ts";
import { FrameReader, smallFrame, Unread } from "./frame-reader.ts";
import { maxValues } from "./json-structure.ts";

const large = 100_000;
const reader = new FrameReader({
  maxFrameBytes: 200_000,
  limitOf: (topic, event) => (event === "say" && topic.startsWith("place:") ? large : smallFrame),
});
const ref = `"1"`;
const frameOf = (event: string, payload: string, topic = '"place:1"') =>
  `[${ref},${ref},${topic},${event},${payload}]`;
const text = (length: number) => `"${"x".repeat(length)}"`;
const problemOf = (data: string | Uint8Array) => {
  const read = reader.look(data);
  return read instanceof Unread ? read.problem : read.constructor.name;
};

describe("a frame", () => {
  test("within the bounds of its event is what the codec reads, however it is written", () => {
    const space = fc.stringMatching(/^[ \t\r\n]{0,20}$/);
    const number = fc.constantFrom("1", "-7", "1e3", "12.0", "null", '"\\u0031"');
    fc.assert(
      fc.property(
        fc.array(space, { minLength: 4, maxLength: 4 }),
        number,
        fc.integer({ min: 1_024, max: 80_000 }),
        (spaces, ref, length) => {
          const [a, b, c, d] = spaces;
          const event = String.raw`"s\u0061\u0079"`;
          const data = `${a}[${b}${ref}${c},${d}${ref}${a},${b}"place:1"${c},${d}${event}${a},${b}${text(length)}${c}]`;
          const { payload: _, ...address } = decode(data) as Frame;
          expect(reader.look(data)).toMatchObject({ address, values: 5 });
        },
      ),
    );
  });

  test("larger than its event may be is not parsed, whatever it holds, and its sender learns how large it may be", () => {
    const unread = reader.look(frameOf('"move"', "[".repeat(50_000))) as Unread;
    expect(unread.problem).toBe("too_large");
    expect(unread.address).toMatchObject({ joinRef: "1", ref: "1", topic: "place:1", event: "move" });
    expect(JSON.parse(unread.response)).toEqual({
      reason: "payload_too_large",
      message: `A frame of this event may have at most ${smallFrame} bytes. Sending the same frame again cannot succeed.`,
    });
    expect(problemOf(frameOf('"say"', text(large)))).toBe("too_large");
    expect(problemOf(frameOf('"say"', text(90_000)))).toBe("Seen");
    expect(problemOf(frameOf('"say"', `"${"€".repeat(34_000)}"`))).toBe("too_large");
  });

  test("of the protocol itself is small: heartbeats, leaves, and what names another topic or event by escapes", () => {
    for (const [event, topic] of [
      ['"heartbeat"', '"phoenix"'],
      ['"say"', '"phoenix"'],
      ['"phx_leave"', '"place:1"'],
      [String.raw`"phx\u005fleave"`, '"place:1"'],
      ['"say"', '"elsewhere:1"'],
      [String.raw`"say\u0000"`, '"place:1"'],
    ] as const)
      expect([event, problemOf(frameOf(event, text(smallFrame), topic))]).toEqual([event, "too_large"]);
  });

  test("whose head cannot be read is malformed beyond a small size, and nothing of it is parsed", () => {
    for (const data of [
      "[".repeat(large),
      `{"topic":"place:1","event":"say","payload":${text(large)},"ref":"1"}`,
      `[${" ".repeat(10_000)}"1","1","place:1","say",{}]`,
      `["1","1","place:1",["say"],${text(large)}]`,
    ])
      expect(reader.look(data)).toEqual(new Malformed(null, null, "phoenix"));
    const longEvent = `["1","1","place:1","${"s".repeat(300)}",${text(large)}]`;
    expect(reader.look(longEvent)).toEqual(new Malformed("1", "1", "place:1"));
  });

  test("that is malformed and small is answered by all that it says", () => {
    const object = `{"topic":"place:1","event":"say","payload":${text(3_000)},"ref":"5"}`;
    expect(reader.look(object)).toEqual(decode(object) as Malformed);
    expect(reader.look(`[{},"5","place:1","say",${text(3_000)}]`)).toEqual(
      new Malformed(null, "5", "place:1"),
    );
  });

  test("with more values than any payload has is refused by name where a large one is allowed", () => {
    expect(problemOf(frameOf('"say"', `[${"[".repeat(30_000)}`))).toBe("too_many_values");
    expect(problemOf(frameOf('"say"', `[${"0,".repeat(30_000)}0]`))).toBe("too_many_values");
    expect(problemOf(frameOf('"say"', JSON.stringify("[".repeat(50_000))))).toBe("Seen");
    // Five of them around the payload.
    const exactly = (values: number) => frameOf('"say"', `[${"0,".repeat(values - 6)}0]`);
    expect([problemOf(exactly(maxValues)), problemOf(exactly(maxValues + 1))]).toEqual([
      "Seen",
      "too_many_values",
    ]);
  });

  test("of bytes is held to the same", () => {
    const binary = (event: string, size: number) =>
      Buffer.concat([
        Buffer.from([0, 1, 1, 7, event.length]),
        Buffer.from(`11place:1${event}`),
        Buffer.alloc(size),
      ]);
    expect([problemOf(binary("say", 90_000)), problemOf(binary("move", 5_000))]).toEqual([
      "Seen",
      "too_large",
    ]);
  });
});
