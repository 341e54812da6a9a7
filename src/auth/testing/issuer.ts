import { createSign, generateKeyPairSync, type KeyObject } from "node:crypto";
import { SignJWT } from "jose";
import type { Clock } from "../../core/ports/clock.ts";
import type { Identity, Verified } from "../../core/ports/tokens.ts";
import { type KeySource, Keys } from "../jwks.ts";
import { JwtTokens } from "../jwt.ts";
import type { Algorithm } from "../key-set.ts";

export const userId = "0198a000-0000-7000-8000-0000000000aa";
export const deviceId = "0198a000-0000-7000-8000-0000000000bb";
export const minuteMs = 60_000;

export interface Signer {
  readonly alg: Algorithm;
  readonly kid: string;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

export function signer(alg: Algorithm, kid: string): Signer {
  const pair =
    alg === "ES256"
      ? generateKeyPairSync("ec", { namedCurve: "P-256" })
      : alg === "EdDSA"
        ? generateKeyPairSync("ed25519")
        : generateKeyPairSync("rsa", { modulusLength: 2048 });
  return { alg, kid, ...pair };
}

export function published({ publicKey, kid, alg }: Signer): Record<string, unknown> {
  return { ...publicKey.export({ format: "jwk" }), kid, alg, use: "sig" };
}

/** Moves only when told; what is due by then is called. */
export class ManualClock implements Clock {
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

export const es256 = signer("ES256", "key-1");
export const eddsa = signer("EdDSA", "key-2");
export const rs256 = signer("RS256", "key-3");

/** What a test leaves open; `endAll` closes it. */
const ends: (() => unknown)[] = [];

export async function endAll(): Promise<void> {
  for (const end of ends.splice(0)) await end();
}

export function atEnd(end: () => unknown): void {
  ends.push(end);
}

/** A JWKS address whose answer each test decides. */
export function jwksServer(answer: () => Response | Promise<Response>) {
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

export function answerWith(...signers: Signer[]): () => Response {
  return () => Response.json({ keys: signers.map(published) });
}

export function start(
  source: KeySource,
  { subjectNamespace = null }: { readonly subjectNamespace?: string | null } = {},
) {
  const clock = new ManualClock();
  const failures: string[] = [];
  const ignored: string[] = [];
  const keys = new Keys({
    source,
    clock,
    onFailure: (reason) => failures.push(reason),
    onRead: (texts) => ignored.push(...texts),
  });
  ends.push(() => keys.stop());
  const settings = {
    issuer: "whispr-auth",
    audiences: ["whispr", "whispr-api"],
    leewayMs: 5_000,
    maxLifetimeMs: 366 * 24 * 60 * minuteMs,
    subjectNamespace,
  };
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
  return { clock, keys, tokens, failures, ignored, claims, sign };
}

/** A token of exactly these texts, for what no library would write; signed with ES256. */
export function signTexts(header: string, payload: string, { privateKey }: Signer = es256): string {
  const signed = [header, payload].map((text) => Buffer.from(text).toString("base64url")).join(".");
  const signature = createSign("SHA256").update(signed).sign({ key: privateKey, dsaEncoding: "ieee-p1363" });
  return `${signed}.${signature.toString("base64url")}`;
}

export function given(...signers: Signer[]): KeySource {
  return { type: "given", keys: (signers.length > 0 ? signers : [es256]).map(published) };
}

export function identity(verified: Verified): Identity {
  if (!verified.ok) throw new Error(verified.reason);
  return verified.identity;
}

export function refusal(verified: Verified): string {
  return verified.ok ? "accepted" : `${verified.code}: ${verified.reason}`;
}
