import type { Identity, Revocations, Tokens } from "../../core/ports/tokens.ts";
import { type Rejection, reject } from "../../core/rejection.ts";

/** Who sends a request. Nothing but a verified token says so: no header, no field of a body. */
export class Authentication {
  readonly #tokens: Tokens;
  readonly #revocations: Revocations;

  constructor(options: { readonly tokens: Tokens; readonly revocations: Revocations }) {
    this.#tokens = options.tokens;
    this.#revocations = options.revocations;
  }

  /** The identity behind `Authorization: Bearer …` (RFC 6750 2.1), or why there is none. */
  ofRequest(request: Request): Promise<{ readonly identity: Identity } | Rejection> {
    const [, token] = /^bearer +(\S+)$/i.exec(request.headers.get("authorization") ?? "") ?? [];
    return this.ofToken(token, "rest");
  }

  async ofToken(
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
