import type { Server } from "bun";
import type { Clock } from "../../core/ports/clock.ts";
import type { Observer } from "../../core/ports/observer.ts";
import { Bodies } from "./bodies.ts";
import { UnreadAnswers } from "./unread-answers.ts";

/** Holds answers that clients read slowly and bodies that they send slowly. Each is bounded for all clients together. */
export interface SlowClients {
  readonly answers: UnreadAnswers;
  readonly bodies: Bodies;
}

export function watchSlowClients(options: {
  readonly maxBodyBytes: number;
  readonly maxHeldBytes: number;
  readonly clock: Clock;
  readonly observer: Observer;
  readonly server: () => Pick<Server<never>, "pendingRequests" | "timeout">;
  /** Requests that are not answered yet. */
  readonly unanswered: () => number;
}): SlowClients {
  const { maxBodyBytes, maxHeldBytes, clock, observer, server, unanswered } = options;
  const cut = (what: string) => () => observer.warn("slow_clients_cut", { what, bytes: maxHeldBytes });
  const answers = new UnreadAnswers({
    maxBytes: maxHeldBytes,
    unread: () => Math.max(0, server().pendingRequests - unanswered()),
    endUnlessRead: (request, seconds) => server().timeout(request, seconds),
    onCut: cut("answers"),
  });
  const bodies = new Bodies({ maxBytes: maxBodyBytes, maxHeldBytes, clock, onCut: cut("bodies") });
  observer.gauge("unread_answer_bytes", () => answers.bytes);
  observer.gauge("unfinished_body_bytes", () => bodies.bytes);
  return { answers, bodies };
}
