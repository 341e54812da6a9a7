import type { Clock } from "../../core/ports/clock.ts";
import type { Observer } from "../../core/ports/observer.ts";
import type { Ownership } from "../../core/ports/ownership.ts";
import type { Presence } from "../../core/ports/presence.ts";
import type { PubSub } from "../../core/ports/pubsub.ts";
import type { Visibility } from "../../core/presence/visibility.ts";
import type { Delivery } from "../../engine/sync/delivery.ts";
import { canonicalTopic } from "../../operations/topics/topics.ts";
import type { MessageTexts } from "../../operations/views/message-texts.ts";
import { frameLot } from "../../phoenix/intake.ts";
import type { PhoenixSettings } from "../../phoenix/settings.ts";
import { Sockets } from "../../phoenix/sockets.ts";
import type { LastSeen } from "../domain.ts";
import type { Entrance } from "../entrance.ts";
import type { Gate } from "../gate.ts";
import { refusedFrame } from "../routes.ts";
import { Broadcasts } from "./broadcasts.ts";
import { frameLimitOf } from "./frame-limits.ts";
import { heardTopics } from "./heard-topics.ts";
import { Presences } from "./presences.ts";
import type { Session } from "./session.ts";
import { SessionEnds } from "./session-ends.ts";
import { socketsObserver } from "./sockets-observer.ts";
import { Standby } from "./standby.ts";
import { Typing } from "./typing.ts";
import { UserSockets } from "./user-sockets.ts";

/** The sockets, and what goes out to them without being asked for. */
export interface Realtime {
  readonly sockets: Sockets<Session>;
  readonly userSockets: UserSockets;
  readonly ends: SessionEnds;
  readonly typing: Typing;
  readonly presences: Presences;
  /** No socket is closed by it any more. */
  stopClosing(): void;
  /** When no socket is left. */
  stop(): void;
}

interface SocketSettings {
  readonly maxSocketsPerUser: number;
  readonly phoenix: PhoenixSettings;
}

export function openRealtime(options: {
  readonly settings: SocketSettings & Parameters<typeof frameLimitOf>[0];
  readonly entrance: Pick<Entrance, "gate" | "lag" | "admission">;
  readonly delivery: Delivery;
  readonly ownership: Pick<Ownership, "ownerOf" | "onChange" | "onNewHistory">;
  readonly pubsub: Pick<PubSub, "publish">;
  readonly presence: Presence;
  readonly lastSeen: LastSeen;
  readonly texts: MessageTexts;
  readonly visibility: Visibility;
  readonly clock: Clock;
  readonly observer: Observer;
}): Realtime {
  const { settings, entrance, delivery, ownership, pubsub, presence, lastSeen } = options;
  const { texts, visibility, clock, observer } = options;
  const { gate, lag: lateness, admission } = entrance;
  const { maxSocketsPerUser } = settings;
  const userSockets = new UserSockets({ maxSocketsPerUser, delivery });
  const sockets = openSockets({ settings, gate, userSockets, delivery, clock, observer });
  const ends = new SessionEnds({ clock, sockets, observer });
  const typing = new Typing({ pubsub, clock });
  const wentOffline = (userId: string, atUs: number) => lastSeen.seen(userId, atUs);
  const presences = new Presences({ presence, sockets, visibility, lateness, admission, clock, wentOffline });
  delivery.subscribe(new Broadcasts({ sockets, texts, visibility, typing, presences }));
  const standby = new Standby({ ownership, sockets, delivery, clock, observer });
  return {
    sockets,
    userSockets,
    ends,
    typing,
    presences,
    stopClosing() {
      ends.stop();
      standby.stop();
    },
    stop() {
      sockets.stop();
      typing.stop();
      presences.stop();
    },
  };
}

function openSockets(options: {
  readonly settings: SocketSettings & Parameters<typeof frameLimitOf>[0];
  readonly gate: Gate;
  readonly userSockets: UserSockets;
  readonly delivery: Delivery;
  readonly clock: Clock;
  readonly observer: Observer;
}): Sockets<Session> {
  const { settings, gate, userSockets, delivery, clock, observer } = options;
  const sockets = new Sockets<Session>({
    canonical: canonicalTopic,
    topics: heardTopics(delivery),
    gate: (session, frame) => refusedFrame(gate, observer, session, frame.event),
    ownerOf: ({ userId }) => userId,
    frameLimit: frameLimitOf(settings),
    takeLot: (session) => gate.frames(session, frameLot),
    settings: settings.phoenix,
    observer: socketsObserver(observer, userSockets),
    clock: { now: () => clock.monotonicMs() },
  });
  observer.gauge("sockets", () => sockets.size);
  observer.gauge("unread_socket_bytes", () => sockets.unreadBytes);
  return sockets;
}
