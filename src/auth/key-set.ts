import { createPublicKey } from "node:crypto";
import { type CryptoKey, importJWK, type JWK } from "jose";

export const algorithms = ["ES256", "EdDSA", "RS256"] as const;
export type Algorithm = (typeof algorithms)[number];

export interface VerificationKey {
  /** Null: the entry has no key id (PEM never has one). The key is tried for every key id. */
  readonly kid: string | null;
  readonly algorithm: Algorithm;
  readonly key: CryptoKey;
  /** The same for two entries with the same key material. */
  readonly material: string;
}

export interface KeySet {
  /** At least one, at most 50. */
  readonly keys: readonly VerificationKey[];
  /** One text per entry that is not used: which entry, and why. Never key material. */
  readonly ignored: readonly string[];
}

/** A token without a key id is tried with every key of its algorithm, so this bounds the work for one token. */
const maxEntries = 50;
const minRsaBits = 2_048;
/** One verification with a longer key takes milliseconds. */
const maxRsaBits = 8_192;
const shownKidLength = 64;

class EntryIgnored extends Error {}

/**
 * Imports the entries of a key set. An entry that cannot be used does not affect the others: it is left out and listed in
 * `ignored`, as RFC 7517 section 5 requires.
 * @throws Error that lists why when no usable key is left.
 */
export async function importEntries(entries: readonly unknown[]): Promise<KeySet> {
  const outcomes = await Promise.all(entries.slice(0, maxEntries).map(importOrIgnore));
  const keys = withoutRepeats(outcomes.filter((outcome) => typeof outcome !== "string"));
  const ignored = outcomes.filter((outcome) => typeof outcome === "string");
  if (entries.length > maxEntries)
    ignored.push(`${entries.length - maxEntries} entries: only the first ${maxEntries} are used`);
  if (keys.length > 0) return { keys, ignored };
  const reasons = ignored.length > 0 ? ` (${listed(ignored)})` : "";
  throw new Error(`holds no ES256, EdDSA or RS256 signature key${reasons}`);
}

/** Joins texts on one line: the first five, and the number of the others. */
export function listed(texts: readonly string[]): string {
  const more = texts.length > 5 ? `; and ${texts.length - 5} more` : "";
  return `${texts.slice(0, 5).join("; ")}${more}`;
}

/**
 * Returns the entries of a JWKS (RFC 7517).
 * @throws Error that says why the text is not a JWKS.
 */
export function jwksEntries(text: string): readonly unknown[] {
  const trimmed = text.trim();
  if (trimmed === "") throw new Error("is empty");
  let parsed: unknown;
  try {
    parsed = JSON.parse(trimmed);
  } catch {
    throw new Error("is not JSON");
  }
  const keys = typeof parsed === "object" && parsed !== null && "keys" in parsed ? parsed.keys : undefined;
  if (!Array.isArray(keys)) throw new Error('is not a JWKS: {"keys": [...]} was expected');
  return keys;
}

const pemBlock = /-----BEGIN ([A-Z ]+)-----[\s\S]+?-----END \1-----/g;

/** Like `jwksEntries`, for a text that may also be PEM. A PEM block becomes a JWK, or the reason why it cannot be used. */
export function fileEntries(text: string): readonly unknown[] {
  const trimmed = text.trim();
  if (trimmed === "" || trimmed.startsWith("{")) return jwksEntries(trimmed);
  const blocks = [...trimmed.matchAll(pemBlock)];
  if (blocks.length === 0) throw new Error("holds neither a JWKS nor PEM keys");
  return blocks.map(([block, label]) => {
    if (label?.includes("PRIVATE")) return new EntryIgnored(privateKeyText);
    try {
      return createPublicKey(block).export({ format: "jwk" });
    } catch {
      return new EntryIgnored("not a public key that can be read");
    }
  });
}

const privateKeyText = "holds a private key; only public keys belong here";

async function importOrIgnore(entry: unknown, index: number): Promise<VerificationKey | string> {
  try {
    return await importEntry(entry);
  } catch (error) {
    const reason = error instanceof EntryIgnored ? error.message : "not a valid key";
    return `${nameOf(entry, index)}: ${reason}`;
  }
}

function nameOf(entry: unknown, index: number): string {
  const kid = typeof entry === "object" && entry !== null && "kid" in entry ? entry.kid : undefined;
  if (typeof kid !== "string") return `entry ${index + 1}`;
  return `key ${JSON.stringify(kid.length > shownKidLength ? `${kid.slice(0, shownKidLength)}…` : kid)}`;
}

/** @throws EntryIgnored with the reason, and any error of the import. */
async function importEntry(entry: unknown): Promise<VerificationKey> {
  if (entry instanceof EntryIgnored) throw entry;
  if (typeof entry !== "object" || entry === null || Array.isArray(entry))
    throw new EntryIgnored("not an object");
  const jwk = entry as JWK;
  const algorithm = algorithmOf(jwk);
  refuseOtherPurposes(jwk, algorithm);
  const key = await importJWK(publicPart(jwk), algorithm);
  if (key instanceof Uint8Array) throw new EntryIgnored("a shared secret");
  refuseRsaLength(key);
  return { kid: jwk.kid ?? null, algorithm, key, material: JSON.stringify(publicPart(jwk)) };
}

function algorithmOf({ kty, crv }: JWK): Algorithm {
  if (kty === "EC" && crv === "P-256") return "ES256";
  if (kty === "OKP" && crv === "Ed25519") return "EdDSA";
  if (kty === "RSA") return "RS256";
  if (kty === "EC" || kty === "OKP") throw new EntryIgnored(`curve ${shown(crv)} is not supported`);
  throw new EntryIgnored(`key type ${shown(kty)} is not supported`);
}

function refuseOtherPurposes(jwk: JWK, algorithm: Algorithm): void {
  if (["d", "p", "q", "k"].some((name) => name in jwk)) throw new EntryIgnored(privateKeyText);
  if (jwk.kid !== undefined && typeof jwk.kid !== "string") throw new EntryIgnored("kid is not a string");
  if (jwk.use !== undefined && jwk.use !== "sig")
    throw new EntryIgnored(`use is ${shown(jwk.use)}, not "sig"`);
  if (jwk.alg !== undefined && jwk.alg !== algorithm)
    throw new EntryIgnored(`alg is ${shown(jwk.alg)}, not ${JSON.stringify(algorithm)}`);
  if (jwk.key_ops !== undefined && !(Array.isArray(jwk.key_ops) && jwk.key_ops.includes("verify")))
    throw new EntryIgnored("key_ops does not include verify");
}

/** Returns the key material alone, so that `ext`, `key_ops` and other fields do not change the import. */
function publicPart(jwk: JWK): JWK {
  const names = ["crv", "x", "y", "n", "e"] as const;
  const given = names.filter((name) => jwk[name] !== undefined).map((name) => [name, jwk[name]]);
  return { kty: jwk.kty!, ...Object.fromEntries(given) };
}

/** WebCrypto imports RSA keys of any length; jose throws at the first use of one that is too short (RFC 7518 3.3). */
function refuseRsaLength({ algorithm }: CryptoKey): void {
  const bits = "modulusLength" in algorithm ? Number(algorithm.modulusLength) : null;
  if (bits === null || (bits >= minRsaBits && bits <= maxRsaBits)) return;
  throw new EntryIgnored(`RSA of ${bits} bits; ${minRsaBits} to ${maxRsaBits} are allowed`);
}

function shown(value: unknown): string {
  return typeof value === "string" ? JSON.stringify(value.slice(0, shownKidLength)) : `a ${typeof value}`;
}

/** Removes repeats of the same key under the same id. Different keys under one id all stay. */
function withoutRepeats(keys: readonly VerificationKey[]): readonly VerificationKey[] {
  const byIdentity = new Map(keys.map((key) => [`${key.material} ${key.kid}`, key]));
  return [...byIdentity.values()];
}
