import type { JWTPayload } from "jose";
import { toUuid } from "../core/ports/ids.ts";
import type { Identity } from "../core/ports/tokens.ts";

/** Says why a token is refused, to its sender and in the log. The message never contains a part of the token. */
export class TokenRefused extends Error {}

export interface ClaimSettings {
  /** A token must name one of them, or `ws` when it opens a socket. */
  readonly audiences: readonly string[];
  /**
   * How far the issuer's clock may be ahead of ours. It holds for `nbf` (RFC 7519 4.1.5) and `iat`, not for `exp`: an open
   * socket ends exactly at `exp`, so a token that opens a socket must not have expired.
   */
  readonly leewayMs: number;
  /** How far in the future `exp` may be. */
  readonly maxLifetimeMs: number;
  /** The namespace in which subjects that are not UUIDs become user ids. A UUID in lower case; null: such subjects are refused. */
  readonly subjectNamespace: string | null;
}

const socketAudience = "ws";
/** In UTF-16 units, like the other lengths here. */
export const maxDeviceIdLength = 128;
/** OpenID Connect Core 1.0, section 2: a subject has at most 255 characters. */
export const maxSubjectLength = 255;
const maxTokenIdLength = 256;
const maxAudiences = 100;
/** The last second of the year 9999, since the Unix epoch. */
const lastSecond = 253_402_300_799;

/**
 * Returns the identity that a verified token speaks for. Claims are untrusted input. Each text that is used later is bounded,
 * well-formed Unicode and free of control characters, because it becomes a key in memory, a value in PostgreSQL (which cannot
 * store U+0000) and a field in the log.
 * @throws TokenRefused
 */
export function identityOf(
  payload: JWTPayload,
  use: "socket" | "rest",
  settings: ClaimSettings,
  nowUs: number,
): Identity {
  checkTimes(payload, settings, nowUs / 1e6);
  refuseOtherPurposes(payload);
  const audience = audienceOf(payload, use, settings.audiences);
  return {
    userId: userIdOf(payload.sub, settings.subjectNamespace),
    deviceId: deviceIdOf(payload),
    tokenId: optionalText("jti", payload.jti, maxTokenIdLength),
    expiresAtMs: audience === "socket" ? null : (payload.exp ?? 0) * 1_000,
  };
}

/**
 * Returns the user id, a UUID in lower case, that a subject stands for. A UUID stands for itself, in any case. Any other text becomes the
 * UUIDv5 of its UTF-8 in `namespace` (RFC 9562 5.5): always the same id, and letters in another case are another user.
 * @throws TokenRefused for a subject that is not a UUID when `namespace` is null, and for a text that `optionalText` refuses. An
 * unpaired surrogate must be refused: UTF-8 has only U+FFFD for it, so different subjects would become one user.
 */
export function userIdOf(subject: unknown, namespace: string | null): string {
  const uuid = typeof subject === "string" ? toUuid(subject) : null;
  if (uuid !== null) return uuid;
  if (namespace === null) throw new TokenRefused("the token's subject must be a user's uuid");
  const text = optionalText("subject", subject, maxSubjectLength);
  if (text === null) throw new TokenRefused("the token's subject must be a string");
  return Bun.randomUUIDv5(text, namespace);
}

/**
 * Returns an optional claim or header parameter as a text that is safe to use, or null when it is absent. The refusal contains `name`.
 * @throws TokenRefused for other types, the empty text, control characters, unpaired surrogates and more than `maxLength` UTF-16 units.
 */
export function optionalText(name: string, value: unknown, maxLength: number): string | null {
  if (value === undefined || value === null) return null;
  if (typeof value !== "string") throw new TokenRefused(`the token's ${name} must be a string`);
  if (value === "" || value.length > maxLength)
    throw new TokenRefused(`the token's ${name} must be a short text: 1 to ${maxLength} characters`);
  if (!value.isWellFormed()) throw new TokenRefused(`the token's ${name} holds an unpaired surrogate`);
  if (/\p{Cc}/u.test(value)) throw new TokenRefused(`the token's ${name} holds a control character`);
  return value;
}

function checkTimes({ exp, nbf, iat }: JWTPayload, settings: ClaimSettings, nowSeconds: number): void {
  const end = timeOf("exp", exp);
  if (end === null) throw new TokenRefused("the token's exp is missing or not accepted");
  if (end <= nowSeconds) throw new TokenRefused(expired);
  if (end > nowSeconds + settings.maxLifetimeMs / 1_000)
    throw new TokenRefused("the token is valid for longer than is accepted here (JWT_MAX_LIFETIME)");
  const latestSeconds = nowSeconds + settings.leewayMs / 1_000;
  for (const [name, value] of [
    ["nbf", nbf],
    ["iat", iat],
  ] as const) {
    if ((timeOf(name, value) ?? 0) > latestSeconds)
      throw new TokenRefused(`the token's ${name} is in the future`);
  }
}

export const expired = "the token has expired";

/** Reads a NumericDate (RFC 7519 section 2): seconds since the epoch, with or without a fraction. JSON.parse reads `1e999` as infinity. */
function timeOf(name: string, value: unknown): number | null {
  if (value === undefined) return null;
  if (typeof value === "number" && value >= 0 && value <= lastSecond) return value;
  throw new TokenRefused(`the token's ${name} is missing or not accepted`);
}

/** The claims in which issuers name the kind of a token: `type`, `typ`, `token_type`, `tokenUse` … */
const purposeClaim = /^(type|typ|token_?(type|use))$/i;
/** The other kinds of token that issuers give to clients. Compared without case and punctuation. */
const otherPurpose = /refresh|offline|^(id|idtoken|identity|logout|logouttoken)$/;

function refuseOtherPurposes(payload: JWTPayload): void {
  for (const [name, value] of Object.entries(payload)) {
    if (!purposeClaim.test(name) || value === null) continue;
    if (typeof value !== "string") throw new TokenRefused(`the token's ${name} must be a string`);
    const purpose = value.toLowerCase().replace(/[^a-z]/g, "");
    if (purpose.includes("refresh"))
      throw new TokenRefused("a refresh token can only be exchanged for a new token");
    if (otherPurpose.test(purpose)) throw new TokenRefused("this is not an access token");
  }
}

/** Returns which audience the token is for. A token for sockets is refused elsewhere, even when it also names one of our audiences. */
function audienceOf(
  { aud }: JWTPayload,
  use: "socket" | "rest",
  audiences: readonly string[],
): "ours" | "socket" {
  const named: readonly unknown[] = Array.isArray(aud) ? aud : [aud];
  if (named.length > maxAudiences) throw new TokenRefused("the token names too many audiences");
  const isForSockets = named.includes(socketAudience);
  if (isForSockets && use === "rest") throw new TokenRefused("a token for sockets is not accepted here");
  if (audiences.some((audience) => named.includes(audience))) return "ours";
  if (isForSockets) return "socket";
  throw new TokenRefused("the token is for another audience");
}

/**
 * Returns the device id of a token, or null when it has none. A UUID is returned in lower case. A token may use both spellings of the
 * claim, but two different values are refused.
 * @throws TokenRefused
 */
export function deviceIdOf(claims: Readonly<Record<string, unknown>>): string | null {
  const { deviceId, device_id: other } = claims;
  const given = [deviceId, other].map((value) => optionalText("device id", value, maxDeviceIdLength));
  const [first = null, second = first] = given.filter((value) => value !== null);
  if (first !== second) throw new TokenRefused("the token's deviceId and device_id differ");
  return first === null ? null : (toUuid(first) ?? first);
}
