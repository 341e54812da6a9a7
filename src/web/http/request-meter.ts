import type { Clock } from "../../core/ports/clock.ts";
import type { Observer } from "../../core/ports/observer.ts";

type Answer = Response | undefined;

/** Label of requests that no route answers. */
export const noRoute = "none";
const methods = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]);
const switchingProtocols = 101;

/** Measures how long requests take, by the template of their route: paths come from clients, so there is no limit to them. */
export class RequestMeter {
  readonly #observer: Pick<Observer, "requestAnswered" | "requestAborted">;
  readonly #clock: Pick<Clock, "monotonicMs">;

  constructor(options: {
    readonly observer: Pick<Observer, "requestAnswered" | "requestAborted">;
    readonly clock: Pick<Clock, "monotonicMs">;
  }) {
    this.#observer = options.observer;
    this.#clock = options.clock;
  }

  /** Answers, and reports the time or that the client is gone. An answer that is undefined is a socket that was opened. */
  async measure<A extends Answer>(route: string, request: Request, answer: () => A | Promise<A>): Promise<A> {
    const startedMs = this.#clock.monotonicMs();
    const response = await answer();
    if (response && request.signal.aborted) this.#observer.requestAborted();
    else this.#report(route, request.method, response?.status ?? switchingProtocols, startedMs);
    return response;
  }

  #report(route: string, method: string, status: number, startedMs: number): void {
    this.#observer.requestAnswered({
      method: methods.has(method) ? method : "other",
      route,
      status,
      tookMs: this.#clock.monotonicMs() - startedMs,
    });
  }
}
