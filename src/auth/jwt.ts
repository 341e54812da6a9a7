import { decodeProtectedHeader, errors, type JWTPayload, jwtVerify } from "jose";
import type { Clock } from "../core/ports/clock.ts";
import type { Tokens, Verified } from "../core/ports/tokens.ts";
import { type ClaimSettings, expired, identityOf, optionalText, TokenRefused } from "./claims.ts";
import { type Keys, KeysUnavailable } from "./jwks.ts";
import { type Algorithm, algorithms, type VerificationKey } from "./key-set.ts";

export interface JwtSettings extends ClaimSettings {
  readonly issuer: string;
}

/** Longer than any real token; a longer one is refused unread. */
const maxTokenLength = 8_192;
const maxKeyIdLength = 256;

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
    let isSigned = false;
    try {
      const payload = await this.#verifySignature(token);
      isSigned = true;
      return { ok: true, identity: identityOf(payload, use, this.#settings, this.#clock.nowUs()) };
    } catch (error) {
      return { ...refusalOf(error), ...(isSigned && { isSigned }) };
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
    return payload;
  }

  /** Returns the payload, or null if none of the keys made the signature. */
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
      // jose counts whole seconds and would apply the leeway to `exp` as well: `identityOf` decides.
      clockTolerance: Number.MAX_SAFE_INTEGER,
    });
    return payload;
  }
}

/** Whether the error is about the token, so that no other key would change it. Other errors (an unusable key) are about that key alone. */
function isOfToken(error: unknown): boolean {
  return (
    error instanceof errors.JWTExpired ||
    error instanceof errors.JWTClaimValidationFailed ||
    error instanceof errors.JWTInvalid ||
    error instanceof errors.JWSInvalid ||
    error instanceof errors.JOSENotSupported
  );
}

/** @throws TokenRefused */
function headerOf(token: string): { readonly alg: Algorithm; readonly kid: string | null } {
  if (token.length > maxTokenLength) throw new TokenRefused("the token is too long");
  const { alg, kid, typ } = readHeader(token);
  const algorithm = algorithms.find((name) => name === alg);
  if (!algorithm) throw new TokenRefused(`the token's algorithm must be one of ${algorithms.join(", ")}`);
  if (kid === null) throw new TokenRefused("the token's kid must be a string");
  refuseOtherTypes(typ);
  return { alg: algorithm, kid: optionalText("kid", kid, maxKeyIdLength) };
}

/** A media type, case-insensitive, with or without `application/` (RFC 7515 4.1.9); `at+jwt`: RFC 9068. */
const accessTokenType = /^(application\/)?(jwt|at\+jwt)$/i;

/** Refuses a token that its issuer marks as another kind, whatever its claims are (RFC 8725 3.11). */
function refuseOtherTypes(typ: unknown): void {
  if (typ === undefined || (typeof typ === "string" && accessTokenType.test(typ))) return;
  throw new TokenRefused("the token's typ must be JWT or at+jwt: this is another kind of token");
}

function readHeader(token: string): {
  readonly alg?: unknown;
  readonly kid?: unknown;
  readonly typ?: unknown;
} {
  try {
    return decodeProtectedHeader(token);
  } catch {
    throw new TokenRefused("this is not a token");
  }
}

function refusalOf(error: unknown): Extract<Verified, { ok: false }> {
  if (error instanceof TokenRefused) return unauthorized(error.message);
  if (error instanceof errors.JWTExpired) return unauthorized(expired);
  if (error instanceof errors.JWTClaimValidationFailed) {
    return unauthorized(`the token's ${error.claim} is missing or not accepted`);
  }
  if (error instanceof KeysUnavailable) return { ok: false, code: "unavailable", reason: error.message };
  return unauthorized("this is not a valid token");
}

function unauthorized(reason: string): Extract<Verified, { ok: false }> {
  return { ok: false, code: "unauthorized", reason };
}
