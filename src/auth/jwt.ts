import { decodeProtectedHeader, errors, type JWTPayload, jwtVerify } from "jose";
import type { Clock } from "../core/ports/clock.ts";
import { toUuid } from "../core/ports/ids.ts";
import type { Identity, Tokens, Verified } from "../core/ports/tokens.ts";
import { type Keys, KeysUnavailable } from "./jwks.ts";
import { type Algorithm, algorithms, type VerificationKey } from "./key-set.ts";

export interface JwtSettings {
  readonly issuer: string;
  /** A token must name one of them, or `ws` where a socket is opened. */
  readonly audiences: readonly string[];
  /**
   * By how much the issuer's clock may be ahead: for `nbf` (RFC 7519 4.1.5) and `iat`. Not for `exp`: an open socket ends
   * exactly then, and a token that opens a socket must not be expired already.
   */
  readonly leewayMs: number;
}

/** Longer than any real token; nothing of a longer one is looked at. */
const maxTokenLength = 8_192;
const maxDeviceIdLength = 128;
const socketAudience = "ws";

class TokenRefused extends Error {}

/** JSON Web Tokens (RFC 7519), signed by the keys of a JWKS. */
export class JwtTokens implements Tokens {
  readonly #keys: Pick<Keys, "find" | "findOthers">;
  readonly #clock: Clock;
  readonly #settings: JwtSettings;

  constructor(options: {
    readonly keys: Pick<Keys, "find" | "findOthers">;
    readonly clock: Clock;
    readonly settings: JwtSettings;
  }) {
    this.#keys = options.keys;
    this.#clock = options.clock;
    this.#settings = options.settings;
  }

  async verify(token: string, use: "socket" | "rest"): Promise<Verified> {
    try {
      const payload = await this.#verifySignature(token);
      return { ok: true, identity: identityOf(payload, use, this.#settings.audiences) };
    } catch (error) {
      return refusalOf(error);
    }
  }

  async #verifySignature(token: string): Promise<JWTPayload> {
    const header = headerOf(token);
    const candidates = await this.#keys.find(header);
    if (candidates.length === 0) throw new TokenRefused("the token's key is unknown");
    const payload =
      (await this.#verifyWithAny(candidates, token)) ??
      (await this.#verifyWithAny(await this.#keys.findOthers(header, candidates), token));
    if (!payload) throw new TokenRefused("the token's signature does not verify");
    this.#checkTimes(payload);
    return payload;
  }

  /** Null: none of the keys made this signature. */
  async #verifyWithAny(keys: readonly VerificationKey[], token: string): Promise<JWTPayload | null> {
    for (const { key } of keys) {
      try {
        return await this.#verifyWith(key, token);
      } catch (error) {
        if (isOfToken(error)) throw error;
      }
    }
    return null;
  }

  async #verifyWith(key: VerificationKey["key"], token: string): Promise<JWTPayload> {
    const { payload } = await jwtVerify(token, key, {
      algorithms: [...algorithms],
      issuer: this.#settings.issuer,
      requiredClaims: ["sub", "exp"],
      currentDate: new Date(this.#clock.nowUs() / 1_000),
      // jose counts whole seconds and would apply the leeway to `exp` as well: `#checkTimes` decides.
      clockTolerance: Number.MAX_SAFE_INTEGER,
    });
    return payload;
  }

  #checkTimes({ exp, nbf, iat }: JWTPayload): void {
    const nowSeconds = this.#clock.nowUs() / 1e6;
    const latestSeconds = nowSeconds + this.#settings.leewayMs / 1_000;
    if (!Number.isFinite(exp)) throw new TokenRefused("the token's exp is missing or not accepted");
    if (exp! <= nowSeconds) throw new TokenRefused("the token has expired");
    if (nbf !== undefined && !(nbf <= latestSeconds))
      throw new TokenRefused("the token's nbf is in the future");
    if (iat !== undefined && !(iat <= latestSeconds))
      throw new TokenRefused("the token's iat is in the future");
  }
}

/** A verdict on the token that no other key would change. Anything else (a key that cannot be used) concerns that key alone. */
function isOfToken(error: unknown): boolean {
  return (
    error instanceof errors.JWTExpired ||
    error instanceof errors.JWTClaimValidationFailed ||
    error instanceof errors.JWTInvalid ||
    error instanceof errors.JWSInvalid ||
    error instanceof errors.JOSENotSupported
  );
}

function headerOf(token: string): { readonly alg: Algorithm; readonly kid: string | null } {
  if (token.length > maxTokenLength) throw new TokenRefused("the token is too long");
  const { alg, kid } = readHeader(token);
  const algorithm = algorithms.find((name) => name === alg);
  if (!algorithm) throw new TokenRefused(`the token's algorithm must be one of ${algorithms.join(", ")}`);
  if (kid !== undefined && typeof kid !== "string")
    throw new TokenRefused("the token's kid must be a string");
  return { alg: algorithm, kid: kid ?? null };
}

function readHeader(token: string): { readonly alg?: unknown; readonly kid?: unknown } {
  try {
    return decodeProtectedHeader(token);
  } catch {
    throw new TokenRefused("this is not a token");
  }
}

function identityOf(payload: JWTPayload, use: "socket" | "rest", audiences: readonly string[]): Identity {
  if (payload.type === "refresh") throw new TokenRefused("a refresh token opens nothing but a new token");
  const isSocketToken = checkAudience(payload, use, audiences) === "socket";
  const userId = typeof payload.sub === "string" ? toUuid(payload.sub) : null;
  if (userId === null) throw new TokenRefused("the token's subject must be a user's uuid");
  return {
    userId,
    deviceId: deviceIdOf(payload),
    tokenId: typeof payload.jti === "string" ? payload.jti : null,
    expiresAtMs: isSocketToken ? null : (payload.exp ?? 0) * 1_000,
  };
}

/** A token for sockets is no use anywhere else, even when it names one of our audiences too. */
function checkAudience(
  { aud }: JWTPayload,
  use: "socket" | "rest",
  audiences: readonly string[],
): "ours" | "socket" {
  const named: readonly unknown[] = Array.isArray(aud) ? aud : [aud];
  const isForSockets = named.includes(socketAudience);
  if (isForSockets && use === "rest") throw new TokenRefused("a token for sockets is not accepted here");
  if (audiences.some((audience) => named.includes(audience))) return "ours";
  if (isForSockets) return "socket";
  throw new TokenRefused("the token is for another audience");
}

function deviceIdOf(payload: JWTPayload): string | null {
  const given = payload.deviceId ?? payload.device_id ?? null;
  if (given === null) return null;
  if (typeof given !== "string" || given === "" || given.length > maxDeviceIdLength) {
    throw new TokenRefused("the token's device id must be a short text");
  }
  return toUuid(given) ?? given;
}

function refusalOf(error: unknown): Verified {
  if (error instanceof TokenRefused) return unauthorized(error.message);
  if (error instanceof errors.JWTExpired) return unauthorized("the token has expired");
  if (error instanceof errors.JWTClaimValidationFailed) {
    return unauthorized(`the token's ${error.claim} is missing or not accepted`);
  }
  if (error instanceof KeysUnavailable) return { ok: false, code: "unavailable", reason: error.message };
  return unauthorized("this is not a valid token");
}

function unauthorized(reason: string): Verified {
  return { ok: false, code: "unauthorized", reason };
}
