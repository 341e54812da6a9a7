/** The identity that a verified token speaks for. */
export interface Identity {
  readonly userId: string;
  readonly deviceId: string | null;
  /** The `jti` claim, for revocation. */
  readonly tokenId: string | null;
  /** When an open socket must end because of the token; null for `aud: ws` tokens, whose `exp` limits only the handshake. */
  readonly expiresAtMs: number | null;
}

export type Verified =
  | { readonly ok: true; readonly identity: Identity }
  /** `unauthorized`: the token is refused. `unavailable`: the keys cannot be read at present. `reason` never contains the token. */
  | {
      readonly ok: false;
      readonly code: "unauthorized" | "unavailable";
      readonly reason: string;
      /** One of our keys signed it, so it was not guessed: it has expired, for example, or is for another purpose. */
      readonly isSigned?: boolean;
    };

/** Verifies bearer tokens: signature, issuer, audience, expiry, type. Never throws. */
export interface Tokens {
  verify(token: string, use: "socket" | "rest"): Promise<Verified>;
}

/** Says whether a token or device was revoked. Until there is a store for it, none is. */
export interface Revocations {
  isRevoked(identity: Identity): Promise<boolean>;
}
