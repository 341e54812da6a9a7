import { createPublicKey } from "node:crypto";
import { readFile } from "node:fs/promises";
import { type CryptoKey, importJWK, type JWK } from "jose";
import type { Clock } from "../core/ports/clock.ts";

/** Where the keys come from that tokens are verified with. */
export type KeySource =
  | { readonly type: "url"; readonly url: string; readonly refreshMs: number }
  /** JWKS or PEM; read again like an address, so that a mounted secret may be rotated. */
  | { readonly type: "file"; readonly path: string; readonly refreshMs: number }
  | { readonly type: "given"; readonly keys: readonly Readonly<Record<string, unknown>>[] };

export const algorithms = ["ES256", "EdDSA", "RS256"] as const;
export type Algorithm = (typeof algorithms)[number];

export interface VerificationKey {
  /** Null (PEM): the key is tried for any key id. */
  readonly kid: string | null;
  readonly algorithm: Algorithm;
  readonly key: CryptoKey;
}

/** The keys cannot be had at present. The cause is for operators (`onFailure`), not for who sent the token. */
export class KeysUnavailable extends Error {
  constructor() {
    super("the keys to verify tokens with cannot be had at present");
  }
}

/** Between two attempts, whatever asks for them: an unknown key id is read for at most this often. */
const pauseMs = 5_000;
/** Nobody waits for keys longer than this. */
const fetchTimeoutMs = 3_000;
const maxBytes = 1 << 20;
const maxKeys = 50;

/**
 * The keys of one source, in memory. Read at once, then every `refreshMs`; after a failure every 5 s, while the keys that were
 * read before go on being used. An unknown key id makes it read again, at most every 5 s, and all who ask share one read.
 */
export class Keys {
  readonly #source: KeySource;
  readonly #clock: Clock;
  readonly #onFailure: (reason: string) => void;
  #known: readonly VerificationKey[] | null = null;
  #reading: Promise<void> | null = null;
  #lastReadMs = Number.NEGATIVE_INFINITY;
  #failure: string | null = null;
  #cancelRefresh: () => void = () => {};
  #stopped = false;

  constructor(options: {
    readonly source: KeySource;
    readonly clock: Clock;
    /** Hears of each read that failed; at most one per 5 s. */
    readonly onFailure: (reason: string) => void;
  }) {
    this.#source = options.source;
    this.#clock = options.clock;
    this.#onFailure = options.onFailure;
    void this.#read();
  }

  /**
   * The keys that may have signed a token with this header; none: the key is unknown. Waits for a read under way, at most 3 s.
   * @throws KeysUnavailable when no keys could be read, or the key is unknown and the source does not answer.
   */
  async find(header: {
    readonly alg: Algorithm;
    readonly kid: string | null;
  }): Promise<readonly VerificationKey[]> {
    const known = this.#matching(header);
    if (known.length > 0) return known;
    await this.#readUnlessRecent();
    const found = this.#matching(header);
    if (found.length === 0 && this.#failure !== null) throw new KeysUnavailable();
    return found;
  }

  stop(): void {
    this.#stopped = true;
    this.#cancelRefresh();
  }

  #matching(header: { readonly alg: Algorithm; readonly kid: string | null }): readonly VerificationKey[] {
    return (this.#known ?? []).filter(
      ({ algorithm, kid }) =>
        algorithm === header.alg && (header.kid === null || kid === null || kid === header.kid),
    );
  }

  async #readUnlessRecent(): Promise<void> {
    const isRecent = this.#clock.monotonicMs() - this.#lastReadMs < pauseMs;
    if (!this.#reading && (isRecent || this.#stopped)) return;
    await this.#read();
  }

  /** Never throws. */
  #read(): Promise<void> {
    this.#reading ??= this.#readNow().finally(() => {
      this.#reading = null;
    });
    return this.#reading;
  }

  async #readNow(): Promise<void> {
    this.#lastReadMs = this.#clock.monotonicMs();
    this.#cancelRefresh();
    try {
      this.#known = await readKeys(this.#source, this.#clock);
      this.#failure = null;
    } catch (error) {
      this.#failure = error instanceof Error ? error.message : String(error);
      this.#onFailure(this.#failure);
    }
    this.#refreshLater();
  }

  #refreshLater(): void {
    if (this.#stopped || this.#source.type === "given") return;
    const delayMs = this.#failure === null ? this.#source.refreshMs : pauseMs;
    this.#cancelRefresh = this.#clock.after(delayMs, () => void this.#read());
  }
}

/** @throws Error that names the source and what is wrong with it. */
export async function readKeys(source: KeySource, clock: Clock): Promise<readonly VerificationKey[]> {
  const name = { url: "JWT_JWKS_URL", file: "JWT_PUBLIC_KEYS_FILE", given: "the given keys" }[source.type];
  try {
    return await importKeys(await publishedKeys(source, clock));
  } catch (error) {
    throw new Error(`${name}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

async function publishedKeys(source: KeySource, clock: Clock): Promise<readonly unknown[]> {
  if (source.type === "given") return source.keys;
  if (source.type === "url") return keysOfJson(await download(source.url, clock));
  const text = await readFile(source.path, "utf8");
  return text.trimStart().startsWith("{") ? keysOfJson(text) : keysOfPem(text);
}

async function download(url: string, clock: Clock): Promise<string> {
  const abort = new AbortController();
  const cancel = clock.after(fetchTimeoutMs, () => abort.abort());
  try {
    const response = await fetch(url, { signal: abort.signal, headers: { accept: "application/json" } });
    if (!response.ok) throw new Error(`answered with status ${response.status}`);
    return await boundedText(response);
  } catch (error) {
    throw abort.signal.aborted ? new Error(`did not answer within ${fetchTimeoutMs} ms`) : error;
  } finally {
    cancel();
  }
}

async function boundedText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > maxBytes) throw new Error(`answered with more than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function keysOfJson(text: string): readonly unknown[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw new Error("is not JSON");
  }
  const keys = typeof parsed === "object" && parsed !== null && "keys" in parsed ? parsed.keys : undefined;
  if (!Array.isArray(keys)) throw new Error('is not a JWKS: {"keys": [...]} was expected');
  return keys;
}

const pemBlock = /-----BEGIN ([A-Z ]+)-----[\s\S]+?-----END \1-----/g;

function keysOfPem(text: string): readonly unknown[] {
  const blocks = [...text.matchAll(pemBlock)];
  if (blocks.length === 0) throw new Error("holds neither a JWKS nor PEM keys");
  return blocks.map(([block, label]) => {
    if (label?.includes("PRIVATE")) throw new Error("holds a private key; only public keys belong here");
    return createPublicKey(block).export({ format: "jwk" });
  });
}

/** Keys for another purpose or of another kind are passed over; a set of which nothing is left is refused. */
async function importKeys(published: readonly unknown[]): Promise<readonly VerificationKey[]> {
  if (published.length > maxKeys) throw new Error(`holds more than ${maxKeys} keys`);
  const imported = await Promise.all(published.map(importKey));
  const keys = imported.filter((key) => key !== null);
  if (keys.length === 0) throw new Error("holds no ES256, EdDSA or RS256 signature key");
  return keys;
}

async function importKey(published: unknown): Promise<VerificationKey | null> {
  if (typeof published !== "object" || published === null) return null;
  const jwk = published as JWK;
  const algorithm = algorithmOf(jwk);
  if (!algorithm || (jwk.use ?? "sig") !== "sig" || (jwk.alg ?? algorithm) !== algorithm) return null;
  if ("d" in jwk) throw new Error("holds a private key; only public keys belong here");
  const key = await importJWK(jwk, algorithm).catch(() => null);
  if (!key || key instanceof Uint8Array) return null;
  return { kid: typeof jwk.kid === "string" ? jwk.kid : null, algorithm, key };
}

function algorithmOf({ kty, crv }: JWK): Algorithm | null {
  if (kty === "EC") return crv === "P-256" ? "ES256" : null;
  if (kty === "OKP") return crv === "Ed25519" ? "EdDSA" : null;
  return kty === "RSA" ? "RS256" : null;
}
