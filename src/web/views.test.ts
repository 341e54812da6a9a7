import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { formatInstant } from "../core/instant.ts";
import type { Message } from "../core/messages/message.ts";
import { parseExactly } from "../phoenix/exact-json.ts";
import { MessageTexts } from "./message-texts.ts";
import { Payloads } from "./payloads.ts";
import { instantText, messageText } from "./views.ts";

const id = "0192a7c0-0000-7000-8000-00000000000a";
const message: Message = {
  id,
  conversationId: id,
  senderId: id,
  seq: 3,
  rev: 5,
  messageType: "text",
  content: "hello",
  metadata: "{}",
  clientRandom: null,
  sentAtUs: 1_795_000_000_000_001,
};

const payloads = new Payloads({ limits: { maxContentBytes: 65_536, maxMetadataBytes: 16_384 } });

describe("a message", () => {
  test("with any content is JSON text that reads back as it was", () => {
    const content = fc.string({ unit: "binary", minLength: 1 });
    const instant = fc.integer({ min: 0, max: 4_000_000_000_000_000 });
    fc.assert(
      fc.property(content, instant, fc.nat(0xffff_ffff), (text, sentAtUs, clientRandom) => {
        const seen = JSON.parse(messageText({ ...message, content: text, sentAtUs, clientRandom }));
        expect(seen).toEqual({
          id,
          conversation_id: id,
          seq: 3,
          rev: 5,
          sender_id: id,
          message_type: "text",
          content: text,
          metadata: {},
          client_random: clientRandom,
          sent_at: formatInstant(sentAtUs),
          reply_to_id: null,
          edited_at: null,
          is_deleted: false,
          status: "sent",
        });
      }),
    );
  });

  test("with any metadata comes back with an equal JSON value", () => {
    const metadata = fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 5 }), { maxKeys: 5 });
    fc.assert(
      fc.property(metadata, (given) => {
        const text = JSON.stringify({ content: "x", metadata: given });
        const body = payloads.sendMessage(JSON.parse(text));
        if (body.type === "rejection") throw new Error(body.message);
        const seen = JSON.parse(messageText({ ...message, metadata: body.metadata }));
        expect(seen.metadata).toEqual(JSON.parse(text).metadata);
      }),
    );
  });

  test("keeps the digits of integers beyond 2^53 in its metadata", () => {
    fc.assert(
      fc.property(fc.bigInt(), (id) => {
        const body = payloads.sendMessage(parseExactly(`{"content":"x","metadata":{"id":[${id}]}}`));
        if (body.type === "rejection") throw new Error(body.message);
        expect(messageText({ ...message, metadata: body.metadata })).toContain(`"metadata":{"id":[${id}]}`);
      }),
    );
    const refused = payloads.sendMessage(parseExactly(`{"content":"x","metadata":12345678901234567890}`));
    expect(refused.type).toBe("rejection");
  });

  test("is encoded once for everybody who is told of it", () => {
    const texts = new MessageTexts();
    expect(texts.of(message)).toBe(messageText(message));
    expect(texts.of({ ...message, seq: 4 })).toContain('"seq":4');
    expect(texts.of(message)).toBe(messageText(message));
  });
});

test("instants keep their six digits across seconds", () => {
  expect([1_795_000_000_000_001, 1_795_000_001_000_000, 999_999].map(instantText)).toEqual([
    "2026-11-18T11:06:40.000001Z",
    "2026-11-18T11:06:41.000000Z",
    "1970-01-01T00:00:00.999999Z",
  ]);
});

test("whatever JSON value is sent as a payload is taken or refused, never thrown", () => {
  const fields = fc.constantFrom("content", "metadata", "client_random", "message_type", "__proto__", "x");
  const payload = fc.oneof(fc.jsonValue(), fc.dictionary(fields, fc.jsonValue()));
  fc.assert(
    fc.property(payload, (value) => {
      expect(["send_message_body", "rejection"]).toContain(payloads.sendMessage(value).type);
      expect(["create_direct_body", "rejection"]).toContain(payloads.createDirect(value, id).type);
    }),
  );
});

test("a payload of many unknown fields is refused by naming a few", () => {
  const many = Object.fromEntries(Array.from({ length: 100_000 }, (_, index) => [`field${index}`, 1]));
  const refusal = payloads.sendMessage({ content: "x", ...many });
  if (refusal.type !== "rejection") throw new Error("taken");
  expect(Object.keys(refusal.details ?? {})).toHaveLength(10);
  expect(payloads.sendMessage(new Uint8Array(500_000)).type).toBe("rejection");
});
