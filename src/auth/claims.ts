import type { JWTPayload } from "jose";
import { toUuid } from "../core/ports/ids.ts";
import type { Identity } from "../core/ports/tokens.ts";

/** Why a token is not accepted, for its sender and for the log. Never holds a part of the token. */
export class TokenRefused extends Error {}

export interface ClaimSettings {
  /** A token must name one of them, or `ws` where a socket is opened. */
  readonly audiences: readonly string[];
  /**
   * By how much the issuer's clock may be ahead: for `nbf` (RFC 7519 4.1.5) and `iat`. Not for `exp`: an open socket ends
   * exactly then, and a token that opens a socket must not be expired already.
   */
  readonly leewayMs: number;
  /** How far ahead `exp` may be. */
  readonly maxLifetimeMs: number;
}

const socketAudience = "ws";
/** UTF-16 units, as the other lengths here. */
export const maxDeviceIdLength = 128;
const maxTokenIdLength = 256;
const maxAudiences = 100;
/** The last second of the year 9999, since the Unix epoch: later is no date. */
const lastSecond = 253_402_300_799;

/**
 * Returns who a verified token speaks for. Claims are input: a text that is used further on is bounded, well-formed Unicode and free of
 * control characters, because it becomes a key in memory, a value in PostgreSQL (which stores no U+0000) and a field in the log.
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
  const userId = typeof payload.sub === "string" ? toUuid(payload.sub) : null;
  if (userId === null) throw new TokenRefused("the token's subject must be a user's uuid");
  return {
    userId,
    deviceId: deviceIdOf(payload),
    tokenId: optionalText("jti", payload.jti, maxTokenIdLength),
    expiresAtMs: audience === "socket" ? null : (payload.exp ?? 0) * 1_000,
  };
}

/**
 * Returns a claim or a header parameter that may be absent, as a text that is safe to use; `name` is for the refusal.
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

/** NumericDate (RFC 7519 section 2): seconds since the epoch, whole or not. JSON has larger numbers: `1e999` is read as infinity. */
function timeOf(name: string, value: unknown): number | null {
  if (value === undefined) return null;
  if (typeof value === "number" && value >= 0 && value <= lastSecond) return value;
  throw new TokenRefused(`the token's ${name} is missing or not accepted`);
}

/** The claims by which issuers tell their kinds of token apart: `type`, `typ`, `token_type`, `tokenUse` … */
const purposeClaim = /^(type|typ|token_?(type|use))$/i;
/** Of all that is no access token, what issuers give to clients. Compared without case and punctuation. */
const otherPurpose = /refresh|offline|^(id|idtoken|identity|logout|logouttoken)$/;

function refuseOtherPurposes(payload: JWTPayload): void {
  for (const [name, value] of Object.entries(payload)) {
    if (!purposeClaim.test(name) || value === null) continue;
    if (typeof value !== "string") throw new TokenRefused(`the token's ${name} must be a string`);
    const purpose = value.toLowerCase().replace(/[^a-z]/g, "");
    if (purpose.includes("refresh")) throw new TokenRefused("a refresh token opens nothing but a new token");
    if (otherPurpose.test(purpose)) throw new TokenRefused("this is not an access token");
  }
}

/** A token for sockets is no use anywhere else, even when it names one of our audiences too. */
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
 * Returns the device of a token; null: it names none. A UUID in lower case. Both spellings may be there; two that differ would be two devices.
 * @throws TokenRefused
 */
export function deviceIdOf(claims: Readonly<Record<string, unknown>>): string | null {
  const { deviceId, device_id: other } = claims;
  const given = [deviceId, other].map((value) => optionalText("device id", value, maxDeviceIdLength));
  const [first = null, second = first] = given.filter((value) => value !== null);
  if (first !== second) throw new TokenRefused("the token's deviceId and device_id differ");
  return first === null ? null : (toUuid(first) ?? first);
}
