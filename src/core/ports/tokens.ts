/** Who is behind a token that was verified. */
export interface Identity {
  readonly userId: string;
  readonly deviceId: string | null;
  /** `jti`, for revocation. */
  readonly tokenId: string | null;
  /** When an open socket must end because of the token; null for `aud: ws` tokens, whose `exp` limits only the handshake. */
  readonly expiresAtMs: number | null;
}

export type Verified =
  | { readonly ok: true; readonly identity: Identity }
  /** `unauthorized`: the token is no good. `unavailable`: the keys cannot be had at present. `reason` never holds the token. */
  | {
      readonly ok: false;
      readonly code: "unauthorized" | "unavailable";
      readonly reason: string;
      /** One of our keys signed it: it has expired, say, or is for something else. Nobody guessed it. */
      readonly isSigned?: boolean;
    };

/** Verifies bearer tokens: signature, issuer, audience, expiry, type. Never throws. */
export interface Tokens {
  verify(token: string, use: "socket" | "rest"): Promise<Verified>;
}

/** Whether a token or device was revoked since. Until there is a store for it, nothing is. */
export interface Revocations {
  isRevoked(identity: Identity): Promise<boolean>;
}
