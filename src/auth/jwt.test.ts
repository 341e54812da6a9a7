import { afterEach, describe, expect, test } from "bun:test";
import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SignJWT, UnsecuredJWT } from "jose";
import type { Clock } from "../core/ports/clock.ts";
import type { Identity, Verified } from "../core/ports/tokens.ts";
import { type Algorithm, type KeySource, Keys } from "./jwks.ts";
import { JwtTokens } from "./jwt.ts";

const userId = "0198a000-0000-7000-8000-0000000000aa";
const deviceId = "0198a000-0000-7000-8000-0000000000bb";
const minuteMs = 60_000;

interface Signer {
  readonly alg: Algorithm;
  readonly kid: string;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

function signer(alg: Algorithm, kid: string): Signer {
  const pair =
    alg === "ES256"
      ? generateKeyPairSync("ec", { namedCurve: "P-256" })
      : alg === "EdDSA"
        ? generateKeyPairSync("ed25519")
        : generateKeyPairSync("rsa", { modulusLength: 2048 });
  return { alg, kid, ...pair };
}

function published({ publicKey, kid, alg }: Signer): Record<string, unknown> {
  return { ...publicKey.export({ format: "jwk" }), kid, alg, use: "sig" };
}

/** Moves only when told; what is due by then is called. */
class ManualClock implements Clock {
  #nowMs = 1_760_000_000_000;
  #timers: { readonly dueMs: number; readonly call: () => void }[] = [];

  nowUs(): number {
    return this.#nowMs * 1_000;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  after(delayMs: number, call: () => void): () => void {
    const timer = { dueMs: this.#nowMs + delayMs, call };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  get timers(): number {
    return this.#timers.length;
  }

  advance(byMs: number): void {
    this.#nowMs += byMs;
    const due = this.#timers.filter(({ dueMs }) => dueMs <= this.#nowMs);
    this.#timers = this.#timers.filter((timer) => !due.includes(timer));
    for (const { call } of due) call();
  }
}

const es256 = signer("ES256", "key-1");
const eddsa = signer("EdDSA", "key-2");
const rs256 = signer("RS256", "key-3");

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

/** A JWKS address whose answer each test decides. */
function jwksServer(answer: () => Response | Promise<Response>) {
  const seen = { requests: 0 };
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: () => {
      seen.requests++;
      return answer();
    },
  });
  ends.push(() => server.stop(true));
  return { url: server.url.href, seen };
}

function answerWith(...signers: Signer[]): () => Response {
  return () => Response.json({ keys: signers.map(published) });
}

function start(source: KeySource) {
  const clock = new ManualClock();
  const failures: string[] = [];
  const keys = new Keys({ source, clock, onFailure: (reason) => failures.push(reason) });
  ends.push(() => keys.stop());
  const settings = { issuer: "whispr-auth", audiences: ["whispr", "whispr-api"] };
  const tokens = new JwtTokens({ keys, clock, settings });
  const claims = (given: Record<string, unknown> = {}) => ({
    sub: userId,
    iss: "whispr-auth",
    aud: "whispr",
    exp: clock.nowUs() / 1e6 + 3_600,
    ...given,
  });
  const sign = (
    given: Record<string, unknown> = {},
    by: Signer = es256,
    header: Record<string, unknown> = {},
  ) =>
    new SignJWT(claims(given))
      .setProtectedHeader({ alg: by.alg, kid: by.kid, ...header })
      .sign(by.privateKey);
  return { clock, tokens, failures, claims, sign };
}

function given(...signers: Signer[]): KeySource {
  return { type: "given", keys: (signers.length > 0 ? signers : [es256]).map(published) };
}

function identity(verified: Verified): Identity {
  if (!verified.ok) throw new Error(verified.reason);
  return verified.identity;
}

function refusal(verified: Verified): string {
  return verified.ok ? "accepted" : `${verified.code}: ${verified.reason}`;
}

describe("a good token", () => {
  test("names its user, device, id and end", async () => {
    const { tokens, sign, clock } = start(given());
    const verified = await tokens.verify(await sign({ deviceId, jti: "t-1" }), "rest");
    const expiresAtMs = clock.nowUs() / 1_000 + 60 * minuteMs;
    expect(identity(verified)).toEqual({ userId, deviceId, tokenId: "t-1", expiresAtMs });
  });

  test.each([es256, eddsa, rs256])("signed with $alg is accepted", async (by) => {
    const { tokens, sign } = start(given(es256, eddsa, rs256));
    expect(identity(await tokens.verify(await sign({}, by), "rest")).userId).toBe(userId);
  });

  test("may write its ids in capitals and its device as device_id; without one it has no device", async () => {
    const { tokens, sign } = start(given());
    const capitals = await sign({ sub: userId.toUpperCase(), device_id: deviceId.toUpperCase() });
    expect(identity(await tokens.verify(capitals, "rest"))).toMatchObject({ userId, deviceId });
    expect(identity(await tokens.verify(await sign(), "rest")).deviceId).toBeNull();
  });

  test("may name any of the configured audiences, also in a list", async () => {
    const { tokens, sign } = start(given());
    expect((await tokens.verify(await sign({ aud: ["else", "whispr-api"] }), "rest")).ok).toBe(true);
  });

  test("without a key id is tried with every key of its algorithm", async () => {
    const { tokens, sign } = start(given(signer("ES256", "other"), es256));
    expect((await tokens.verify(await sign({}, es256, { kid: undefined }), "rest")).ok).toBe(true);
  });
});

describe("a token for sockets (aud ws)", () => {
  test("opens a socket whose life its expiry does not limit", async () => {
    const { tokens, sign } = start(given());
    expect(identity(await tokens.verify(await sign({ aud: "ws" }), "socket")).expiresAtMs).toBeNull();
  });

  test("is refused by REST, even when it names our audience too", async () => {
    const { tokens, sign } = start(given());
    expect(refusal(await tokens.verify(await sign({ aud: "ws" }), "rest"))).toContain("for sockets");
    expect(refusal(await tokens.verify(await sign({ aud: ["ws", "whispr"] }), "rest"))).toContain(
      "for sockets",
    );
  });

  test("an access token opens a socket too, and ends it", async () => {
    const { tokens, sign } = start(given());
    expect(identity(await tokens.verify(await sign(), "socket")).expiresAtMs).toBeNumber();
  });
});

describe("refused as unauthorized", () => {
  const bad: [string, Record<string, unknown>, string][] = [
    ["a refresh token", { type: "refresh" }, "refresh token"],
    ["another issuer", { iss: "someone" }, "iss"],
    ["another audience", { aud: "other" }, "another audience"],
    ["no audience", { aud: undefined }, "another audience"],
    ["no expiry", { exp: undefined }, "exp"],
    ["an expiry in the past", { exp: 1_700_000_000 }, "has expired"],
    ["an expiry that is no number", { exp: "tomorrow" }, "exp"],
    ["a subject that is no uuid", { sub: "ada" }, "uuid"],
    ["a subject that is no text", { sub: 7 }, "uuid"],
    ["no subject", { sub: undefined }, "sub"],
    ["a device that is no text", { deviceId: { a: 1 } }, "device id"],
  ];
  test.each(bad)("%s", async (_, claims, reason) => {
    const { tokens, sign } = start(given());
    const told = refusal(await tokens.verify(await sign(claims), "socket"));
    expect(told).toStartWith("unauthorized: ");
    expect(told).toContain(reason);
  });

  test("an unsigned token (alg none)", async () => {
    const { tokens, claims } = start(given());
    const unsigned = new UnsecuredJWT(claims()).encode();
    expect(refusal(await tokens.verify(unsigned, "rest"))).toContain("algorithm must be one of");
  });

  test("a token signed with the public key as a shared secret (HS256)", async () => {
    const { tokens, claims } = start(given());
    const secret = es256.publicKey.export({ format: "der", type: "spki" });
    const forged = await new SignJWT(claims())
      .setProtectedHeader({ alg: "HS256", kid: "key-1" })
      .sign(secret);
    expect(refusal(await tokens.verify(forged, "rest"))).toContain("algorithm must be one of");
  });

  test("another key under a known key id", async () => {
    const { tokens, sign } = start(given());
    const forged = await sign({}, signer("ES256", "key-1"));
    expect(refusal(await tokens.verify(forged, "rest"))).toContain("does not verify");
  });

  test("texts that are no token at all, of any length", async () => {
    const { tokens, sign } = start(given());
    const good = await sign();
    const texts = [
      "",
      ".",
      "..",
      "a.b.c",
      "\u0000",
      "💥",
      good.slice(0, -2),
      `${good}.x`,
      "x".repeat(100_000),
    ];
    for (const text of texts) {
      expect(refusal(await tokens.verify(text, "socket"))).toStartWith("unauthorized: ");
    }
  });

  test("no refusal repeats a part of the token", async () => {
    const { tokens, sign } = start(given());
    const token = await sign({ iss: "someone" });
    const told = refusal(await tokens.verify(token, "rest"));
    for (const part of token.split(".")) expect(told).not.toContain(part);
  });
});

describe("keys from JWT_JWKS_URL", () => {
  test("are read once for many tokens", async () => {
    const { url, seen } = jwksServer(answerWith(es256));
    const { tokens, sign } = start({ type: "url", url, refreshMs: 60 * minuteMs });
    const token = await sign();
    const all = await Promise.all(Array.from({ length: 50 }, () => tokens.verify(token, "rest")));
    expect(all.every(({ ok }) => ok)).toBe(true);
    expect(seen.requests).toBe(1);
  });

  test("an unknown key id reads them again, at most every 5 s", async () => {
    const rotated = signer("ES256", "key-9");
    let current = [es256];
    const { url, seen } = jwksServer(() => answerWith(...current)());
    const { tokens, sign, clock } = start({ type: "url", url, refreshMs: 60 * minuteMs });
    await tokens.verify(await sign(), "rest");
    current = [es256, rotated];
    const token = await sign({}, rotated);
    expect(refusal(await tokens.verify(token, "rest"))).toBe("unauthorized: the token's key is unknown");
    clock.advance(5_000);
    expect((await tokens.verify(token, "rest")).ok).toBe(true);
    const strange = await sign({}, signer("ES256", "nobody"));
    await Promise.all(Array.from({ length: 20 }, () => tokens.verify(strange, "rest")));
    expect(seen.requests).toBe(2);
  });

  test("are read again each period, and a key that is gone is no longer accepted", async () => {
    let current = [es256, eddsa];
    const { url, seen } = jwksServer(() => answerWith(...current)());
    const { tokens, sign, clock } = start({ type: "url", url, refreshMs: minuteMs });
    await tokens.verify(await sign(), "rest");
    current = [eddsa];
    clock.advance(minuteMs);
    await tokens.verify(await sign({}, signer("ES256", "waits-for-the-read")), "rest");
    expect(seen.requests).toBe(2);
    expect(refusal(await tokens.verify(await sign(), "rest"))).toContain("key is unknown");
  });

  test("a first read that fails is unavailable at once, and is made good 5 s later", async () => {
    let isUp = false;
    const { url } = jwksServer(() => (isUp ? answerWith(es256)() : new Response("no", { status: 502 })));
    const { tokens, sign, clock, failures } = start({ type: "url", url, refreshMs: 60 * minuteMs });
    const token = await sign();
    expect(refusal(await tokens.verify(token, "rest"))).toStartWith("unavailable: the keys");
    expect(failures[0]).toBe("JWT_JWKS_URL: answered with status 502");
    isUp = true;
    clock.advance(5_000);
    expect((await tokens.verify(token, "rest")).ok).toBe(true);
  });

  test("known keys go on being used while the address is down", async () => {
    let isUp = true;
    const { url } = jwksServer(() => (isUp ? answerWith(es256)() : new Response("no", { status: 500 })));
    const { tokens, sign, clock, failures } = start({ type: "url", url, refreshMs: minuteMs });
    await tokens.verify(await sign(), "rest");
    isUp = false;
    clock.advance(minuteMs);
    expect(refusal(await tokens.verify(await sign({}, signer("ES256", "new")), "rest"))).toStartWith(
      "unavailable: ",
    );
    expect(failures).toHaveLength(1);
    expect((await tokens.verify(await sign(), "rest")).ok).toBe(true);
  });

  test("an address that hangs is unavailable after 3 s, not a hang", async () => {
    const { url, seen } = jwksServer(() => new Promise<Response>(() => {}));
    const { tokens, sign, clock, failures } = start({ type: "url", url, refreshMs: minuteMs });
    const verified = tokens.verify(await sign(), "rest");
    while (seen.requests === 0) await Bun.sleep(1);
    clock.advance(3_000);
    expect(refusal(await verified)).toStartWith("unavailable: ");
    expect(failures[0]).toContain("did not answer within 3000 ms");
  });

  const wrong: [string, () => Response, string][] = [
    ["is no JSON", () => new Response("<html>"), "is not JSON"],
    ["is no JWKS", () => Response.json([]), "is not a JWKS"],
    ["has no key for us", () => Response.json({ keys: [null, 7, { kty: "oct", k: "AA" }] }), "no ES256"],
    ["is far too large", () => new Response("x".repeat((1 << 20) + 1)), "more than"],
  ];
  test.each(wrong)("an answer that %s is unavailable and named", async (_, answer, reason) => {
    const { url } = jwksServer(answer);
    const { tokens, sign, failures } = start({ type: "url", url, refreshMs: minuteMs });
    expect(refusal(await tokens.verify(await sign(), "rest"))).toStartWith("unavailable: ");
    expect(failures[0]).toContain(reason);
  });

  test("after stop nothing is left to fire", async () => {
    const { url } = jwksServer(answerWith(es256));
    const clock = new ManualClock();
    const keys = new Keys({ source: { type: "url", url, refreshMs: minuteMs }, clock, onFailure: () => {} });
    await keys.find({ alg: "ES256", kid: "key-1" });
    keys.stop();
    expect(clock.timers).toBe(0);
  });
});

describe("keys from JWT_PUBLIC_KEYS_FILE", () => {
  async function fileWith(text: string): Promise<KeySource> {
    const dir = await mkdtemp(join(tmpdir(), "keys-"));
    ends.push(() => rm(dir, { recursive: true }));
    const path = join(dir, "keys");
    await writeFile(path, text);
    return { type: "file", path, refreshMs: minuteMs };
  }

  const pem = ({ publicKey }: Signer) => publicKey.export({ format: "pem", type: "spki" }).toString();

  test("may be a JWKS", async () => {
    const { tokens, sign } = start(await fileWith(JSON.stringify({ keys: [published(es256)] })));
    expect((await tokens.verify(await sign(), "rest")).ok).toBe(true);
  });

  test("may be PEM blocks, which fit any key id", async () => {
    const { tokens, sign } = start(await fileWith(pem(rs256) + pem(signer("ES256", "x")) + pem(es256)));
    expect((await tokens.verify(await sign({}, es256), "rest")).ok).toBe(true);
    expect((await tokens.verify(await sign({}, rs256), "rest")).ok).toBe(true);
  });

  test("a private key there is refused by name", async () => {
    const secret = es256.privateKey.export({ format: "pem", type: "pkcs8" }).toString();
    const { tokens, sign, failures } = start(await fileWith(secret));
    expect(refusal(await tokens.verify(await sign(), "rest"))).toStartWith("unavailable: ");
    expect(failures[0]).toBe("JWT_PUBLIC_KEYS_FILE: holds a private key; only public keys belong here");
  });

  test("a file that was replaced is read again for an unknown key", async () => {
    const source = await fileWith(JSON.stringify({ keys: [published(eddsa)] }));
    const { tokens, sign, clock } = start(source);
    await tokens.verify(await sign({}, eddsa), "rest");
    if (source.type === "file") await writeFile(source.path, JSON.stringify({ keys: [published(es256)] }));
    clock.advance(5_000);
    expect((await tokens.verify(await sign(), "rest")).ok).toBe(true);
  });
});
