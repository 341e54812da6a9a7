import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
} from "node:crypto";
import { chmod, link, readFile, rm, writeFile } from "node:fs/promises";
import { SignJWT } from "jose";
import { readPlainFile } from "../src/store/embedded/by-descriptor.ts";
import { prepareDataDirectory, refusalOf } from "../src/store/embedded/data-directory.ts";
import { layoutOf } from "../src/store/embedded/layout.ts";
import { CommandRefused } from "./exit-codes.ts";

/** In bytes; a P-256 key as JWK has 200. */
const longestDevKey = 4_096;

/** A private key and its public part. */
export interface SigningKey {
  readonly algorithm: "ES256" | "EdDSA" | "RS256";
  readonly kid: string;
  readonly privateKey: KeyObject;
  readonly publicJwk: Readonly<Record<string, unknown>>;
}

export interface TokenClaims {
  readonly subject: string;
  readonly deviceId: string | null;
  readonly issuer: string;
  readonly audience: string;
  readonly ttlMs: number;
}

/** Returns the key with which `dev` signs. It is made at the first start and kept, so that tokens survive restarts. Only its owner can read it. */
export async function openDevKey(dataDir: string): Promise<SigningKey> {
  const { root, devKey: path } = prepareDataDirectory(dataDir);
  try {
    if (!(await Bun.file(path).exists())) await writeNewKey(path);
  } catch (error) {
    throw refusalOf(error, root);
  }
  return readDevKey(root);
}

/** Writes the key atomically, and never over an existing one. */
async function writeNewKey(path: string): Promise<void> {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const draft = `${path}.${crypto.randomUUID()}`;
  await writeFile(draft, JSON.stringify(privateKey.export({ format: "jwk" })), { mode: 0o600, flag: "wx" });
  await chmod(draft, 0o600);
  await link(draft, path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "EEXIST") throw error;
  });
  await rm(draft);
}

/** Reads the key that `dev` made. The owner of the directory may have replaced it by anything, so it is read with care. */
export function readDevKey(dataDir: string): Promise<SigningKey> {
  return readSigningKey(layoutOf(dataDir).devKey, async (path) => readPlainFile(path, longestDevKey));
}

/** Reads a private key, JWK or PEM. */
export async function readSigningKey(
  path: string,
  read = (from: string) => readFile(from, "utf8"),
): Promise<SigningKey> {
  const text = await read(path).catch((error: NodeJS.ErrnoException) => {
    throw new CommandRefused(
      `The key ${path} cannot be read (${error.code}). Name your key with --key; the default is the key that whispr-msg dev makes in its data directory.`,
    );
  });
  try {
    return signingKey(text);
  } catch {
    throw new CommandRefused(
      `${path} is not a private key: expected is a JWK or PEM, EC P-256, Ed25519 or RSA (openssl genpkey -algorithm ed25519 makes one).`,
    );
  }
}

function signingKey(text: string): SigningKey {
  const given = text.trimStart().startsWith("{") ? JSON.parse(text) : null;
  const privateKey = given ? createPrivateKey({ key: given, format: "jwk" }) : createPrivateKey(text);
  const jwk = createPublicKey(privateKey).export({ format: "jwk" });
  const algorithm = algorithmOf(privateKey);
  const kid = typeof given?.kid === "string" ? given.kid : keyId(jwk);
  return { algorithm, kid, privateKey, publicJwk: { ...jwk, kid, use: "sig", alg: algorithm } };
}

function algorithmOf(key: KeyObject): SigningKey["algorithm"] {
  if (key.asymmetricKeyType === "ed25519") return "EdDSA";
  if (key.asymmetricKeyType === "rsa") return "RS256";
  if (key.asymmetricKeyDetails?.namedCurve === "prime256v1") return "ES256";
  throw new Error("another kind of key");
}

/** Returns the key id: the first 16 characters of base64url(SHA-256(x ‖ y)). */
function keyId({ x, y, n }: { readonly x?: string; readonly y?: string; readonly n?: string }): string {
  const bytes = [x, y, n].map((part) => Buffer.from(part ?? "", "base64url"));
  return createHash("sha256").update(Buffer.concat(bytes)).digest("base64url").slice(0, 16);
}

export function signToken(key: SigningKey, claims: TokenClaims): Promise<string> {
  const { subject, deviceId, issuer, audience, ttlMs } = claims;
  return new SignJWT(deviceId === null ? {} : { deviceId })
    .setProtectedHeader({ alg: key.algorithm, kid: key.kid })
    .setSubject(subject)
    .setIssuer(issuer)
    .setAudience(audience)
    .setJti(crypto.randomUUID())
    .setIssuedAt()
    .setExpirationTime(new Date(Date.now() + ttlMs))
    .sign(key.privateKey);
}
