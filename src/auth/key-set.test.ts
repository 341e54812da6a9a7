import { afterEach, describe, expect, test } from "bun:test";
import { generateKeyPairSync } from "node:crypto";
import { importEntries } from "./key-set.ts";
import { KeysReport } from "./keys-report.ts";
import {
  eddsa,
  endAll,
  es256,
  ManualClock,
  published,
  refusal,
  rs256,
  type Signer,
  signer,
  start,
} from "./testing/issuer.ts";

afterEach(endAll);

/** Signs as any other key of its kind would; the key set holds it in a form that cannot be used. */
function shortRsa(kid?: string): Record<string, unknown> {
  const { publicKey } = generateKeyPairSync("rsa", { modulusLength: 1_024 });
  return { ...publicKey.export({ format: "jwk" }), ...(kid === undefined ? {} : { kid }) };
}

const anotherCurve = generateKeyPairSync("ec", { namedCurve: "P-384" }).publicKey.export({ format: "jwk" });
const { y: _, ...withoutY } = published(signer("ES256", "half"));

const bad: [string, unknown, string][] = [
  ["an RSA key of 1,024 bits", shortRsa("short"), 'key "short": RSA of 1024 bits; 2048 to 8192 are allowed'],
  [
    "an RSA key of 8,200 bits",
    { kty: "RSA", kid: "long", e: "AQAB", n: Buffer.alloc(1_025, 0xff).toString("base64url") },
    'key "long": RSA of 8200 bits; 2048 to 8192 are allowed',
  ],
  ["a shared secret", { kty: "oct", k: "AAAA", kid: "s" }, 'key "s": key type "oct" is not supported'],
  ["an unknown key type", { kty: "AKP", kid: "pq" }, 'key "pq": key type "AKP" is not supported'],
  ["no key type", { kid: "none" }, 'key "none": key type a undefined is not supported'],
  ["an unsupported curve", { ...anotherCurve, kid: "384" }, 'key "384": curve "P-384" is not supported'],
  ["a missing coordinate", withoutY, 'key "half": not a valid key'],
  [
    "a point that is not on the curve",
    { ...published(es256), kid: "off", y: published(signer("ES256", "z")).y },
    'key "off": not a valid key',
  ],
  [
    "an Ed25519 key of 3 bytes",
    { kty: "OKP", crv: "Ed25519", x: "AAAA", kid: "3" },
    'key "3": not a valid key',
  ],
  [
    "private key material",
    { ...es256.privateKey.export({ format: "jwk" }), kid: "secret" },
    'key "secret": holds a private key; only public keys belong here',
  ],
  [
    "a key for encryption",
    { ...published(rs256), kid: "enc", use: "enc" },
    'key "enc": use is "enc", not "sig"',
  ],
  [
    "another algorithm",
    { ...published(rs256), kid: "512", alg: "RS512" },
    'key "512": alg is "RS512", not "RS256"',
  ],
  [
    "other operations",
    { ...published(rs256), kid: "ops", key_ops: ["encrypt"] },
    'key "ops": key_ops does not include verify',
  ],
  ["a key id that is a number", { ...published(rs256), kid: 7 }, "entry 1: kid is not a string"],
  ["null", null, "entry 1: not an object"],
  ["a list", [published(es256)], "entry 1: not an object"],
  ["a text", "key", "entry 1: not an object"],
];

describe("one entry of a key set with", () => {
  test.each(bad)("%s is named and leaves the others working", async (_, entry, text) => {
    const others = [es256, eddsa, rs256];
    for (const entries of [
      [entry, ...others.map(published)],
      [...others.map(published), entry],
    ]) {
      const { tokens, sign, ignored } = start({ type: "given", keys: entries as Record<string, unknown>[] });
      for (const by of others) {
        for (const header of [{}, { kid: undefined }]) {
          const token = await sign({}, by, header);
          expect(refusal(await tokens.verify(token, "rest"))).toBe("accepted");
        }
      }
      expect(ignored).toEqual([entries[0] === entry ? text : text.replace("entry 1", "entry 4")]);
    }
  });
});

describe("a token without a key id", () => {
  test("is verified by the second key of its algorithm when the first is too short", async () => {
    const { tokens, sign } = start({
      type: "given",
      keys: [shortRsa(), { ...published(rs256), kid: undefined }],
    });
    const token = await sign({}, rs256, { kid: undefined });
    expect(refusal(await tokens.verify(token, "rest"))).toBe("accepted");
  });

  test("that names a key of another algorithm is refused", async () => {
    const { tokens, sign } = start({ type: "given", keys: [published(es256), published(eddsa)] });
    const token = await sign({}, rs256, { kid: undefined });
    expect(refusal(await tokens.verify(token, "rest"))).toBe("unauthorized: the token's key is unknown");
  });
});

test("the same key twice is one key, and different keys under one id are all there", async () => {
  const other: Signer = signer("ES256", es256.kid);
  const { keys, ignored } = await importEntries([es256, es256, other].map(published));
  expect(keys.map(({ kid }) => kid)).toEqual([es256.kid, es256.kid]);
  expect(ignored).toEqual([]);
});

test("of more than 50 entries the first 50 are used and the rest is named", async () => {
  const entries = Array.from({ length: 60 }, (_, index) => ({ ...published(es256), kid: `${index}` }));
  const { keys, ignored } = await importEntries(entries);
  expect(keys).toHaveLength(50);
  expect(ignored).toEqual(["10 entries: only the first 50 are used"]);
});

test("an id of any length or content stays a short text on one line", async () => {
  const { ignored } = await importEntries([{ kty: "x", kid: `a\nb${"c".repeat(1_000)}` }, published(es256)]);
  expect(ignored[0]).toMatch(/^key "a\\nbc+…": key type "x" is not supported$/);
  expect(ignored[0]!.length).toBeLessThan(120);
});

describe("what operators read of it", () => {
  function report() {
    const lines: string[] = [];
    const clock = new ManualClock();
    const keep = (event: string, fields = {}) => void lines.push(`${event} ${JSON.stringify(fields)}`);
    return { lines, clock, report: new KeysReport({ observer: { warn: keep, note: keep }, clock }) };
  }

  test("a source that fails is one line at once, one for another reason, and one every 5 minutes", () => {
    const { lines, clock, report: keys } = report();
    for (let second = 0; second < 600; second += 5) {
      keys.failed("answered with status 404");
      clock.advance(5_000);
    }
    for (let second = 0; second < 30; second += 5) {
      keys.failed("is not JSON");
      clock.advance(5_000);
    }
    keys.read([]);
    keys.read([]);
    expect(lines).toEqual([
      'keys_read_failed {"reason":"answered with status 404"}',
      'keys_read_failed {"reason":"answered with status 404"}',
      'keys_read_failed {"reason":"is not JSON"}',
      "keys_read_again {}",
    ]);
  });

  test("an entry that is not used is named once, and again when it was gone in between", () => {
    const { lines, report: keys } = report();
    for (const ignored of [["a"], ["a"], ["a", "b"], ["b"], ["a", "b"]]) keys.read(ignored);
    expect(lines).toEqual([
      'keys_ignored {"count":1,"entries":"a"}',
      'keys_ignored {"count":1,"entries":"b"}',
      'keys_ignored {"count":1,"entries":"a"}',
    ]);
  });
});
