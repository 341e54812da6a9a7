import type { Observer } from "../core/ports/observer.ts";
import type { SocketsObserver } from "../phoenix/observer.ts";
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
    flooded: () => observer.refused("rate_limited"),
    oversized: () => observer.refused("payload_too_large"),
    malformed: () => observer.malformedFrame(),
    overrun: () => observer.slowConsumerClosed(),
    failed: (where, topic, error) => observer.bug(`channel ${where} ${topic}`, error),
  };
}
