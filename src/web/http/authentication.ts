import type { Observer } from "../../core/ports/observer.ts";
import type { Identity, Revocations, Tokens, Verified } from "../../core/ports/tokens.ts";
import { isRejection, type Rejection, reject } from "../../core/rejection.ts";
import type { FailedTokens } from "./failed-tokens.ts";

/** Identifies the user of a request by a verified token alone: no other header and no field of a body is believed. */
export class Authentication {
  readonly #tokens: Tokens;
  readonly #revocations: Revocations;
  readonly #failures: FailedTokens;
  readonly #observer: Pick<Observer, "security">;

  constructor(options: {
    readonly tokens: Tokens;
    readonly revocations: Revocations;
    readonly failures: FailedTokens;
    readonly observer: Pick<Observer, "security">;
  }) {
    this.#tokens = options.tokens;
    this.#revocations = options.revocations;
    this.#failures = options.failures;
    this.#observer = options.observer;
  }

  /**
   * The identity behind `Authorization: Bearer …` (RFC 6750 2.1), or why there is none. Calls `address` only for failures, and while there
   * are suspect addresses.
   */
  ofRequest(request: Request, address: () => string): Promise<{ readonly identity: Identity } | Rejection> {
    const [, token] = /^bearer +(\S+)$/i.exec(request.headers.get("authorization") ?? "") ?? [];
    return this.ofToken(token, "rest", address);
  }

  async ofToken(
    token: string | undefined,
    use: "socket" | "rest",
    address: () => string,
  ): Promise<{ readonly identity: Identity } | Rejection> {
    const known = token ? await this.#inTurn(token, use, address) : missing;
    if (isRejection(known)) this.#report(known, use, address);
    return known;
  }

  #inTurn(
    token: string,
    use: "socket" | "rest",
    address: () => string,
  ): Promise<{ readonly identity: Identity } | Rejection> {
    return this.#failures.run(address, () => this.#verify(token, use, address));
  }

  #report({ code, message }: Rejection, use: "socket" | "rest", address: () => string): void {
    if (code === "rate_limited") this.#observer.security("address_limited", { address: address() });
    if (code !== "unauthorized") return;
    this.#observer.security("authentication_failed", { address: address(), door: use, reason: message });
  }

  async #verify(
    token: string,
    use: "socket" | "rest",
    address: () => string,
  ): Promise<{ readonly identity: Identity } | Rejection> {
    const verified = await this.#tokens.verify(token, use);
    if (!verified.ok) return this.#refused(verified, address);
    if (await this.#revocations.isRevoked(verified.identity)) return revoked;
    return { identity: verified.identity };
  }

  /** A token that a known key signed is answered `unauthorized`, and not counted, however many are guessed from the same address. */
  #refused({ code, reason, isSigned }: Refused, address: () => string): Rejection {
    if (code === "unavailable") return reject(code, reason, { retryAfterMs: 1_000 });
    const unauthorized = reject(code, reason);
    return isSigned ? unauthorized : (this.#failures.failed(address()) ?? unauthorized);
  }
}

type Refused = Extract<Verified, { readonly ok: false }>;

const missing = reject("unauthorized", "A bearer token is needed.");
const revoked = reject("unauthorized", "The token or its device was revoked.");
