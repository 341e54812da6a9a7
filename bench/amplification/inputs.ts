/** Texts and payloads as large, or as dear to read, as the limits allow. */

const maxContentBytes = 65_536;
const maxFrameBytes = 512 << 10;

/** 64 kB of content that JSON writes as 384 kB. */
export function controlCharacters(): string {
  return "\u0001".repeat(maxContentBytes);
}

/** 16 kB of metadata of a conversation or message. */
export function largeMetadata(): object {
  return { a: "x".repeat(16_300) };
}

/** Ten references with 4 kB each. */
export function attachments(count = 10): readonly object[] {
  return Array.from({ length: count }, (_, index) => ({
    media_id: `${"m".repeat(120)}${index}`,
    media_type: "image",
    metadata: { a: "x".repeat(4_080) },
  }));
}

/** All that a message may hold. */
export function fatMessage(): object {
  return {
    message_type: "media",
    content: controlCharacters(),
    metadata: largeMetadata(),
    attachments: attachments(),
  };
}

/** Metadata of many values within 16 kB, each of which is checked. */
export function manyValues(): object {
  return Object.fromEntries(Array.from({ length: 1_300 }, (_, index) => [`k${index}`, index]));
}

/** Payloads of 500 kB that fit no operation: what refusing them costs. */
export const junk: Readonly<Record<string, string>> = {
  "250,000 [": "[".repeat(250_000),
  "arrays within arrays, closed": `${"[".repeat(250_000)}${"]".repeat(250_000)}`,
  "arrays within arrays in a field": `{"a":${"[".repeat(4_000)}${"]".repeat(4_000)}}`,
  "38,000 fields": `{${Array.from({ length: 38_000 }, (_, index) => `"k${index}":0`).join()}}`,
  "38,000 fields that are numbers": `{${Array.from({ length: 38_000 }, (_, index) => `"${index * 7}":0`).join()}}`,
  "19,900 brackets": `{"a":${"[".repeat(19_900)}${"]".repeat(19_900)}}`,
  "19,000 fields": `{${Array.from({ length: 19_000 }, (_, index) => `"k${index}":0`).join()}}`,
  "19,000 fields that are numbers": `{${Array.from({ length: 19_000 }, (_, index) => `"${index * 7}":0`).join()}}`,
  "3,600 fields, one of them a number that no double holds": `{"metadata":{${Array.from({ length: 3_600 }, (_, index) => `"${index * 7}":12345678901234567890`).join()}}}`,
  "9,900 numbers that no double holds": `{"metadata":{"a":[${Array.from({ length: 9_900 }, () => "12345678901234567890").join()}]}}`,
  "19,000 numbers that no double holds": `{"metadata":{"a":[${Array.from({ length: 19_000 }, () => "12345678901234567890").join()}]}}`,
  "a number of 500,000 digits": `{"metadata":{"a":${"9".repeat(500_000)}}}`,
  "87,000 escapes": `{"content":"${"\\u0001".repeat(87_000)}"}`,
  "500 kB of metadata": `{"content":"x","metadata":{"a":"${"x".repeat(maxFrameBytes - 1_000)}"}}`,
  "13,000 ids": `{"user_ids":[${Array.from({ length: 13_000 }, () => `"${crypto.randomUUID()}"`).join()}],"type":"group","name":"g"}`,
  "10,000 attachments": `{"content":"x","message_type":"media","attachments":[${Array.from({ length: 10_000 }, () => `{"media_id":"m","media_type":"image"}`).join()}]}`,
};
