import { deviceTagOf } from "../core/messages/send-key.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { Observer } from "../core/ports/observer.ts";
import { isRejection, type Rejection, reject } from "../core/rejection.ts";
import { readToken, speaksOurVersion } from "../phoenix/handshake.ts";
import type { Admission } from "./admission.ts";
import type { Arrival } from "./arrival.ts";
import { type ClientAddresses, counted } from "./client-address.ts";
import type { Gate } from "./gate.ts";
import type { Authentication } from "./plugins/authentication.ts";
import type { Session } from "./session.ts";

/** Where sockets are opened; the first is the path of the stock client, the second that behind gateways. */
export const socketPaths: ReadonlySet<string> = new Set(["/socket/websocket", "/messaging/socket/websocket"]);

export interface Admitted {
  readonly session: Session;
  readonly subprotocol: string | undefined;
}

/** Whether a socket may be opened, decided before there is one: a refusal is an HTTP status, never a close. */
export class Handshakes {
  readonly #authentication: Authentication;
  readonly #gate: Gate;
  readonly #admission: Admission;
  readonly #observer: Pick<Observer, "handshake" | "security">;
  readonly #addresses: ClientAddresses;
  readonly #clock: Clock;
  readonly #maxSessionMs: number;
  #connections = 0;

  constructor(options: {
    readonly authentication: Authentication;
    readonly gate: Gate;
    readonly admission: Admission;
    readonly observer: Pick<Observer, "handshake" | "security">;
    readonly addresses: ClientAddresses;
    readonly clock: Clock;
    readonly maxSessionMs: number;
  }) {
    this.#authentication = options.authentication;
    this.#gate = options.gate;
    this.#admission = options.admission;
    this.#observer = options.observer;
    this.#addresses = options.addresses;
    this.#clock = options.clock;
    this.#maxSessionMs = options.maxSessionMs;
  }

  /**
   * Waits until it is its turn (`Admission`). `peer`: the address that the connection came from. The arrival of the session is in progress; end it when
   * no socket comes of it.
   */
  async admit(request: Request, peer: string): Promise<Admitted | Rejection> {
    const address = counted(this.#addresses.of(peer, request.headers.get("x-forwarded-for")));
    const refusal = this.#admission.refusal() ?? checkRequest(request) ?? this.#limited(address);
    if (refusal) return refusal;
    const arrival = await this.#admission.enter(request.signal);
    if (isRejection(arrival)) return arrival;
    const admitted = await this.#open(request, arrival, address).catch((error: unknown) => {
      arrival.end();
      throw error;
    });
    if (isRejection(admitted)) arrival.end();
    return admitted;
  }

  #limited(address: string): Rejection | null {
    const ofAddress = this.#gate.address(address);
    if (ofAddress) {
      this.#observer.handshake("address_limit");
      this.#observer.security("address_limited", { address });
      return ofAddress;
    }
    const ofAll = this.#gate.pace();
    if (ofAll) this.#observer.handshake("rate_limit");
    return ofAll;
  }

  async #open(request: Request, arrival: Arrival, address: string): Promise<Admitted | Rejection> {
    const { token, subprotocol } = readToken(request);
    const known = await this.#authentication.ofToken(token, "socket", () => address);
    if ("type" in known) {
      this.#observer.handshake(known.code === "unauthorized" ? "unauthorized" : "not_verified");
      return known;
    }
    const latestMs = this.#clock.nowUs() / 1000 + this.#maxSessionMs;
    const endsAtMs = Math.min(known.identity.expiresAtMs ?? latestMs, latestMs);
    const connectionKey = String(++this.#connections);
    const deviceTag = deviceTagOf(known.identity.deviceId);
    return { session: { ...known.identity, deviceTag, endsAtMs, connectionKey, arrival }, subprotocol };
  }
}

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
