import type { Server } from "bun";
import type { Observer } from "../../core/ports/observer.ts";
import { isRejection, type Rejection, reject } from "../../core/rejection.ts";
import type { SocketData, Sockets } from "../../phoenix/sockets.ts";
import type { Session } from "../realtime/session.ts";
import type { SessionEnds } from "../realtime/session-ends.ts";
import type { UserSockets } from "../realtime/user-sockets.ts";
import type { ConnectionCap } from "./connection-cap.ts";
import type { Admitted, Handshakes } from "./handshake.ts";
import type { RetryPauses } from "./retry-pauses.ts";

/** Turns requests into sockets: within the descriptors there are, for those who are admitted, until it is closed. */
export class SocketDoor {
  readonly #cap: Pick<ConnectionCap, "handshake">;
  readonly #handshakes: Pick<Handshakes, "admit">;
  readonly #userSockets: Pick<UserSockets, "refusal">;
  readonly #sockets: Pick<Sockets<Session>, "upgrade">;
  readonly #ends: Pick<SessionEnds, "opened">;
  readonly #pauses: RetryPauses;
  readonly #observer: Pick<Observer, "handshake">;
  #isClosed = false;

  constructor(options: {
    readonly cap: Pick<ConnectionCap, "handshake">;
    readonly handshakes: Pick<Handshakes, "admit">;
    readonly userSockets: Pick<UserSockets, "refusal">;
    readonly sockets: Pick<Sockets<Session>, "upgrade">;
    readonly ends: Pick<SessionEnds, "opened">;
    readonly pauses: RetryPauses;
    readonly observer: Pick<Observer, "handshake">;
  }) {
    this.#cap = options.cap;
    this.#handshakes = options.handshakes;
    this.#userSockets = options.userSockets;
    this.#sockets = options.sockets;
    this.#ends = options.ends;
    this.#pauses = options.pauses;
    this.#observer = options.observer;
  }

  /** Refuses what comes from now on. */
  close(): void {
    this.#isClosed = true;
  }

  /** Null: a handshake may begin. */
  refusal(): Rejection | null {
    if (this.#isClosed) return this.#stopping();
    const full = this.#cap.handshake();
    if (full) this.#observer.handshake("descriptors");
    return full;
  }

  /** Undefined: the connection is a socket now. `address`: where it comes from, as it is counted. */
  async open(
    request: Request,
    server: Server<SocketData<Session>>,
    address: string,
  ): Promise<Rejection | undefined> {
    const admitted = await this.#handshakes.admit(request, address);
    if (isRejection(admitted)) return admitted;
    const refusal = this.#upgrade(request, server, admitted);
    if (refusal) admitted.session.arrival.end();
    return refusal;
  }

  #upgrade(
    request: Request,
    server: Server<SocketData<Session>>,
    { session, subprotocol }: Admitted,
  ): Rejection | undefined {
    const tooMany = this.#userSockets.refusal(session.userId);
    if (tooMany) this.#observer.handshake("user_sockets");
    if (tooMany) return tooMany;
    if (!this.#sockets.upgrade(request, server, session, subprotocol))
      return this.#isClosed ? this.#stopping() : notUpgraded;
    this.#ends.opened(session);
    return undefined;
  }

  #stopping(): Rejection {
    return reject("unavailable", "This server is stopping.", { retryAfterMs: this.#pauses.next() });
  }
}

const notUpgraded = reject("invalid_payload", "The WebSocket handshake is incomplete.");
