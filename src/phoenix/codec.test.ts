import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  decode,
  decodeHead,
  encodeBroadcast,
  encodeClose,
  encodePush,
  encodeReply,
  Frame,
  Malformed,
  quote,
} from "./codec.ts";

const anyText = fc.string({ unit: "binary", maxLength: 255 });
const anyRef = fc.oneof(fc.option(anyText, { nil: null }), fc.maxSafeInteger());
const fieldOfBytes = fc.string({ unit: "grapheme-ascii", maxLength: 255 });

function binaryPush(fields: readonly string[], payload: Uint8Array): Uint8Array {
  const texts = fields.map((field) => Buffer.from(field));
  return Buffer.concat([Buffer.from([0, ...texts.map((text) => text.length)]), ...texts, payload]);
}

describe("the codec", () => {
  test("reads every frame that JSON.stringify writes", () => {
    fc.assert(
      fc.property(anyRef, anyRef, anyText, anyText, fc.jsonValue(), (joinRef, ref, topic, event, payload) => {
        const text = JSON.stringify([joinRef, ref, topic, event, payload]);
        const frame = decode(text);
        const again = JSON.stringify(payload) === "[]" ? {} : JSON.parse(JSON.stringify(payload));
        expect(frame).toEqual(new Frame(joinRef, ref, topic, event, again, text.length));
      }),
    );
  });

  test("writes frames that read back as what was meant, whatever the text", () => {
    fc.assert(
      fc.property(anyRef, anyRef, anyText, anyText, fc.json(), (joinRef, ref, topic, event, json) => {
        const payload = JSON.parse(json);
        expect(JSON.parse(encodeReply(joinRef, ref, topic, false, json))).toEqual([
          joinRef,
          ref,
          topic,
          "phx_reply",
          { status: "error", response: payload },
        ]);
        expect(JSON.parse(encodePush(joinRef, topic, event, json))).toEqual([
          joinRef,
          null,
          topic,
          event,
          payload,
        ]);
        expect(JSON.parse(encodeBroadcast(topic, event, json))).toEqual([null, null, topic, event, payload]);
        expect(JSON.parse(encodeClose(joinRef, topic))).toEqual([joinRef, joinRef, topic, "phx_close", {}]);
      }),
    );
  });

  test("quotes any text, lone surrogates and control characters included, as well-formed JSON", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(0xffff)), (units) => {
        const text = String.fromCharCode(...units);
        expect(JSON.parse(quote(text))).toBe(text);
        expect(quote(text).isWellFormed()).toBe(true);
      }),
    );
  });

  test("reads binary pushes, and survives any bytes and any text", () => {
    fc.assert(
      fc.property(
        fc.array(fieldOfBytes, { minLength: 4, maxLength: 4 }),
        fc.uint8Array(),
        (fields, payload) => {
          const [joinRef, ref, topic, event] = fields as [string, string, string, string];
          const frame = decode(binaryPush(fields, payload)) as Frame;
          expect([frame.joinRef ?? "", frame.ref ?? "", frame.topic, frame.event]).toEqual([
            joinRef,
            ref,
            topic,
            event,
          ]);
          expect(Buffer.from(frame.payload as Uint8Array).equals(payload)).toBe(true);
        },
      ),
    );
    fc.assert(fc.property(fc.uint8Array(), (bytes) => void decode(bytes)));
    fc.assert(fc.property(fc.string(), (text) => void decode(text)));
  });

  test("drops what is no frame, keeping a ref that can be read", () => {
    expect(decode("nonsense")).toEqual(new Malformed(null, null, "phoenix"));
    expect(decode(`["1","2","t","e"]`)).toEqual(new Malformed("1", "2", "t"));
    expect(decode(`["1",7,"t","e"]`)).toEqual(new Malformed("1", 7, "t"));
    expect(decode(`{"topic":"t","event":"e","payload":{},"ref":"5"}`)).toEqual(new Malformed(null, "5", "t"));
    expect(decode(JSON.stringify(["1", "2", "t".repeat(256), "e", {}]))).toEqual(
      new Malformed("1", "2", "phoenix"),
    );
    expect(decode("[".repeat(500_000))).toBeInstanceOf(Malformed);
  });

  test("takes no ref that it could not echo digit for digit", () => {
    for (const ref of ["1.5", "1e400", "9007199254740993", "-9007199254740992", "true", "{}", "[1]"]) {
      expect(decode(`[null,${ref},"t","e",{}]`)).toEqual(new Malformed(null, null, "t"));
      expect(decode(`[${ref},"2","t","e",{}]`)).toEqual(new Malformed(null, "2", "t"));
    }
  });

  test("reads the address of a frame from its head, as it reads the whole frame", () => {
    fc.assert(
      fc.property(anyRef, anyRef, anyText, anyText, fc.nat(2), (joinRef, ref, topic, event, indent) => {
        const text = JSON.stringify([joinRef, ref, topic, event, "x".repeat(10_000)], null, indent);
        const { size: _, payload: __, ...address } = decode(text) as Frame;
        expect(decodeHead(text)).toMatchObject(address);
      }),
    );
    const escaped = `"${String.raw`\u0061`.repeat(255)}"`;
    const longest = "a".repeat(255);
    expect(decodeHead(`[${escaped},${escaped},${escaped},${escaped},"${"x".repeat(10_000)}"]`)).toMatchObject(
      {
        joinRef: longest,
        ref: longest,
        topic: longest,
        event: longest,
      },
    );
    fc.assert(fc.property(fc.string(), (text) => void decodeHead(text)));
    fc.assert(fc.property(fc.uint8Array(), (bytes) => void decodeHead(bytes)));
    expect(decodeHead(`["1","2","t","e"`)).toEqual(new Malformed(null, null, "phoenix"));
    expect(decodeHead("[".repeat(2_000_000))).toEqual(new Malformed(null, null, "phoenix"));
    expect(decodeHead(`["${"\\".repeat(1_000_000)}`)).toEqual(new Malformed(null, null, "phoenix"));
  });
});
