import { deviceTagOf } from "../../core/messages/send-key.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { HandshakeOutcome, Observer } from "../../core/ports/observer.ts";
import type { Identity } from "../../core/ports/tokens.ts";
import { isRejection, type RefusalCode, type Rejection, reject } from "../../core/rejection.ts";
import { FairTurns } from "../../engine/reads/fair-turns.ts";
import { readToken, speaksOurVersion } from "../../phoenix/handshake.ts";
import type { Gate } from "../gate.ts";
import type { Arrival } from "../realtime/arrival.ts";
import type { Session } from "../realtime/session.ts";
import type { UserSockets } from "../realtime/user-sockets.ts";
import type { Admission } from "./admission.ts";
import type { Authentication } from "./authentication.ts";
import type { AllowedOrigins } from "./cors.ts";
import { originRefusal } from "./origins.ts";

/** The paths at which sockets are opened: that of the stock client, and that behind gateways. */
export const socketPaths: ReadonlySet<string> = new Set(["/socket/websocket", "/messaging/socket/websocket"]);

export interface Admitted {
  readonly session: Session;
  readonly subprotocol: string | undefined;
}

/** Handshakes whose tokens are verified at once, of all addresses. */
const verifiedAtOnce = 32;

/** Whether a socket may be opened, decided before there is one: a refusal is an HTTP status, never a close. */
export class Handshakes {
  readonly #authentication: Authentication;
  readonly #gate: Gate;
  readonly #admission: Admission;
  readonly #userSockets: Pick<UserSockets, "refusal">;
  readonly #observer: Pick<Observer, "handshake" | "warn">;
  readonly #origins: AllowedOrigins;
  readonly #clock: Clock;
  readonly #maxSessionMs: number;
  readonly #verifying: FairTurns;
  #connections = 0;

  constructor(options: {
    readonly authentication: Authentication;
    readonly gate: Gate;
    readonly admission: Admission;
    readonly userSockets: Pick<UserSockets, "refusal">;
    readonly observer: Pick<Observer, "handshake" | "warn">;
    readonly origins: AllowedOrigins;
    readonly clock: Clock;
    readonly maxSessionMs: number;
  }) {
    const settings = { maxAtOnce: verifiedAtOnce, maxAtOncePerUser: verifiedAtOnce, maxPerUser: 0 };
    this.#authentication = options.authentication;
    this.#gate = options.gate;
    this.#admission = options.admission;
    this.#userSockets = options.userSockets;
    this.#observer = options.observer;
    this.#origins = options.origins;
    this.#clock = options.clock;
    this.#maxSessionMs = options.maxSessionMs;
    this.#verifying = new FairTurns({ settings, clock: options.clock });
  }

  /**
   * Identifies the user, then waits for a place (`Admission`): handshakes without a good token take none. `address`: where it comes from, as
   * it is counted. The arrival of the session is in progress; end it if no socket is opened.
   */
  async admit(request: Request, address: string): Promise<Admitted | Rejection> {
    const refusal = this.#admission.refusal() ?? checkRequest(request) ?? this.#originRefusal(request);
    if (refusal) return refusal;
    const { token, subprotocol } = readToken(request);
    const known = await this.#identify(token, address);
    if (isRejection(known)) return known;
    const limited = this.#limited(known.identity);
    if (limited) return limited;
    const arrival = await this.#admission.enter(request.signal);
    return isRejection(arrival)
      ? arrival
      : { session: this.#sessionOf(known.identity, arrival), subprotocol };
  }

  #originRefusal(request: Request): Rejection | null {
    const refusal = originRefusal(request, this.#origins);
    if (!refusal) return null;
    this.#observer.handshake("origin");
    this.#observer.warn("origin_refused", { origin: request.headers.get("origin")!.slice(0, longestOrigin) });
    return refusal;
  }

  /** Addresses are served in turn. */
  async #identify(
    token: string | undefined,
    address: string,
  ): Promise<{ readonly identity: Identity } | Rejection> {
    const known = await this.#verifying.run(address, () =>
      this.#authentication.ofToken(token, "socket", () => address),
    );
    if (isRejection(known)) this.#observer.handshake(outcomes[known.code] ?? "not_verified");
    return known;
  }

  #limited({ userId }: Identity): Rejection | null {
    const tooMany = this.#userSockets.refusal(userId);
    if (tooMany) this.#observer.handshake("user_sockets");
    if (tooMany) return tooMany;
    const ofUser = this.#gate.handshake(userId);
    if (ofUser) this.#observer.handshake("user_limit");
    if (ofUser) return ofUser;
    const ofAll = this.#gate.pace();
    if (ofAll) this.#observer.handshake("rate_limit");
    return ofAll;
  }

  #sessionOf(identity: Identity, arrival: Arrival): Session {
    const latestMs = this.#clock.nowUs() / 1000 + this.#maxSessionMs;
    const endsAtMs = Math.min(identity.expiresAtMs ?? latestMs, latestMs);
    const connectionKey = String(++this.#connections);
    return { ...identity, deviceTag: deviceTagOf(identity.deviceId), endsAtMs, connectionKey, arrival };
  }
}

/** The outcome of a handshake whose token was refused, by the code. */
const outcomes: Partial<Readonly<Record<RefusalCode, HandshakeOutcome>>> = {
  unauthorized: "unauthorized",
  rate_limited: "address_limit",
};
/** The most characters of an `Origin` header in a line of the log. */
const longestOrigin = 200;

function checkRequest(request: Request): Rejection | null {
  if (request.method !== "GET")
    return reject("method_not_allowed", "A WebSocket handshake is a GET request.");
  if (request.headers.get("upgrade")?.toLowerCase() !== "websocket") return noHandshake;
  return speaksOurVersion(request) ? null : otherVersion;
}

const noHandshake = reject("invalid_payload", "Only a WebSocket handshake is answered here.");
const otherVersion = reject(
  "invalid_payload",
  "Connect with ?vsn=2.0.0: only serializer 2.0.0 of Phoenix Channels is spoken here, and a client that names none speaks 1.0.0.",
  {
    details: { vsn: "must be 2.0.0" },
  },
);
