import type { Observer } from "../../core/ports/observer.ts";
import type { Identity, Revocations, Tokens } from "../../core/ports/tokens.ts";
import { type Rejection, reject } from "../../core/rejection.ts";

/** Who sends a request. Nothing but a verified token says so: no header, no field of a body. */
export class Authentication {
  readonly #tokens: Tokens;
  readonly #revocations: Revocations;
  readonly #observer: Pick<Observer, "security">;

  constructor(options: {
    readonly tokens: Tokens;
    readonly revocations: Revocations;
    readonly observer: Pick<Observer, "security">;
  }) {
    this.#tokens = options.tokens;
    this.#revocations = options.revocations;
    this.#observer = options.observer;
  }

  /** The identity behind `Authorization: Bearer …` (RFC 6750 2.1), or why there is none. `address` is asked for failures alone. */
  ofRequest(request: Request, address: () => string): Promise<{ readonly identity: Identity } | Rejection> {
    const [, token] = /^bearer +(\S+)$/i.exec(request.headers.get("authorization") ?? "") ?? [];
    return this.ofToken(token, "rest", address);
  }

  async ofToken(
    token: string | undefined,
    use: "socket" | "rest",
    address: () => string,
  ): Promise<{ readonly identity: Identity } | Rejection> {
    const known = await this.#verify(token, use);
    if ("type" in known && known.code === "unauthorized")
      this.#observer.security("authentication_failed", {
        address: address(),
        door: use,
        reason: known.message,
      });
    return known;
  }

  async #verify(
    token: string | undefined,
    use: "socket" | "rest",
  ): Promise<{ readonly identity: Identity } | Rejection> {
    if (!token) return missing;
    const verified = await this.#tokens.verify(token, use);
    if (!verified.ok) return refused(verified.code, verified.reason);
    if (await this.#revocations.isRevoked(verified.identity)) return revoked;
    return { identity: verified.identity };
  }
}

function refused(code: "unauthorized" | "unavailable", reason: string): Rejection {
  return reject(code, reason, code === "unavailable" ? { retryAfterMs: 1_000 } : {});
}

const missing = reject("unauthorized", "A bearer token is needed.");
const revoked = reject("unauthorized", "The token or its device was revoked.");
