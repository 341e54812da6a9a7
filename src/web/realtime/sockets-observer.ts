import type { FloodReason as CountedFlood, Observer } from "../../core/ports/observer.ts";
import type { FloodReason } from "../../phoenix/intake.ts";
import type { SocketsObserver } from "../../phoenix/observer.ts";
import type { Session } from "./session.ts";
import type { UserSockets } from "./user-sockets.ts";

/** Passes on what the sockets tell of themselves: to the metrics and the log, and to the count of each user's sockets. */
export function socketsObserver(observer: Observer, sockets: UserSockets): SocketsObserver<Session> {
  return {
    opened: ({ userId }) => sockets.opened(userId),
    closed: (_code, { userId, arrival }) => {
      sockets.closed(userId);
      arrival.end();
    },
    flooded: (reason, { userId }) => flooded(observer, reason, userId),
    unread: (problem) => observer.refused(problem === "too_large" ? "payload_too_large" : "invalid_payload"),
    malformed: () => observer.malformedFrame(),
    overrun: (where, { userId }) => {
      observer.slowConsumerClosed();
      observer.security("slow_reader_closed", { user_id: userId, where });
      if (where === "total") observer.warn("slow_clients_cut", { what: "sockets" });
    },
    failed: (where, topic, error) => observer.bug(`channel ${where} ${topic}`, error),
  };
}

const floods: Readonly<Record<FloodReason, CountedFlood>> = {
  frames: "frames",
  identity: "user_frames",
  refused: "refused_frames",
};

function flooded(observer: Observer, reason: FloodReason, userId: string): void {
  observer.refused("rate_limited");
  observer.socketFlooded(floods[reason]);
  observer.warn("socket_flooded", { reason: floods[reason], user_id: userId });
}
