import type { Clock } from "../../core/ports/clock.ts";
import type { Observer } from "../../core/ports/observer.ts";
import type { Sockets } from "../../phoenix/sockets.ts";
import type { Session } from "./session.ts";

const sweepEveryMs = 1_000;

/** The client takes 4001 as "fetch a new token, then connect again" (docs/protocol.md, "Close codes"). */
export const sessionOver = 4001;

/**
 * Closes sockets whose session is over, at most a second late. One timer for all of them; the sockets are only walked when
 * the earliest end known has passed.
 */
export class SessionEnds {
  readonly #clock: Clock;
  readonly #sockets: Pick<Sockets<Session>, "closeWhere">;
  readonly #observer: Pick<Observer, "security">;
  #earliestMs = Number.POSITIVE_INFINITY;
  #cancel: () => void;

  constructor(options: {
    readonly clock: Clock;
    readonly sockets: Pick<Sockets<Session>, "closeWhere">;
    readonly observer: Pick<Observer, "security">;
  }) {
    this.#clock = options.clock;
    this.#observer = options.observer;
    this.#sockets = options.sockets;
    this.#cancel = this.#next();
  }

  opened(session: Session): void {
    this.#earliestMs = Math.min(this.#earliestMs, session.endsAtMs);
  }

  stop(): void {
    this.#cancel();
  }

  #next(): () => void {
    return this.#clock.after(sweepEveryMs, () => {
      this.#cancel = this.#next();
      this.#sweep(this.#clock.nowUs() / 1000);
    });
  }

  #sweep(nowMs: number): void {
    if (this.#earliestMs > nowMs) return;
    let earliestMs = Number.POSITIVE_INFINITY;
    const isOver = ({ endsAtMs }: Session) => {
      if (endsAtMs <= nowMs) return true;
      earliestMs = Math.min(earliestMs, endsAtMs);
      return false;
    };
    const sockets = this.#sockets.closeWhere(isOver, sessionOver, "token expired");
    if (sockets > 0) this.#observer.security("sessions_ended", { sockets });
    this.#earliestMs = earliestMs;
  }
}
