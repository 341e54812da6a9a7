import type { Clock } from "../core/ports/clock.ts";
import type { NewId } from "../core/ports/ids.ts";
import type { Limiter } from "../core/ports/limiter.ts";
import type { Observer } from "../core/ports/observer.ts";
import type { Ownership } from "../core/ports/ownership.ts";
import type { Presence } from "../core/ports/presence.ts";
import type { PubSub } from "../core/ports/pubsub.ts";
import type { Revocations, Tokens } from "../core/ports/tokens.ts";
import type { PresenceShownTo } from "../core/presence/visibility.ts";
import type { Delivery } from "../engine/sync/delivery.ts";
import type { PayloadLimits } from "../operations/payload-limits.ts";
import type { Commands, Marks, Queries } from "../operations/services.ts";
import type { PhoenixSettings } from "../phoenix/settings.ts";
import type { Joins, LastSeen, Receipts } from "./domain.ts";
import type { DescriptorLimits } from "./http/connection-cap.ts";
import type { AllowedOrigins } from "./http/cors.ts";
import type { Checks } from "./http/probes.ts";

export interface EndpointSettings {
  readonly hostname: string;
  /** 0: any free port. */
  readonly port: number;
  readonly maxBodyBytes: number;
  /** Bytes held for clients that read or send slowly, of all clients together: of answers, and of bodies, each. */
  readonly maxHeldBytes: number;
  /** The longest that a read may take to be answered, and a connection be silent; Bun counts whole seconds, up to 255. */
  readonly answerWithinMs: number;
  readonly payloads: PayloadLimits;
  readonly presenceShownTo: PresenceShownTo;
  readonly corsOrigins: AllowedOrigins;
  /** No socket lives longer, whatever its token says. */
  readonly maxSessionMs: number;
  /** Sockets that one user may have open; 0: no limit. */
  readonly maxSocketsPerUser: number;
  /** Addresses and networks; see `ClientAddresses`. */
  readonly trustedProxies: readonly string[];
  /** An event loop that is later than this refuses new work; 0: off. */
  readonly maxLoopLatenessMs: number;
  readonly phoenix: PhoenixSettings;
  /** At a stop, `batch` sockets are closed every `pauseMs`, faster when the deadline requires it. */
  readonly drain: { readonly batch: number; readonly pauseMs: number };
}

export interface EndpointOptions {
  readonly settings: EndpointSettings;
  readonly commands: Commands;
  readonly joins: Joins;
  readonly queries: Queries;
  readonly marks: Marks;
  readonly receipts: Receipts;
  readonly delivery: Delivery;
  readonly ownership: Pick<Ownership, "ownerOf" | "onChange" | "onNewHistory">;
  readonly pubsub: Pick<PubSub, "publish">;
  readonly presence: Presence;
  readonly lastSeen: LastSeen;
  readonly tokens: Tokens;
  readonly revocations: Revocations;
  readonly limiter: Limiter;
  readonly clock: Clock;
  /** Processor time of this thread so far. */
  readonly workedMs: () => number;
  readonly newId: NewId;
  readonly observer: Observer;
  /** Called at each probe and handshake, so it must be cheap. */
  readonly checks: () => Checks;
  /** Whether all that is unavailable is asked for the first time: handshakes may wait for the answer. */
  readonly isStarting: () => boolean;
  readonly descriptors: DescriptorLimits;
  readonly extraRoutes: ExtraRoutes;
}

/** Other routes, by method and exact path (`GET /playground`). Each response must be a new one, because headers are added to it. */
export type ExtraRoutes = ReadonlyMap<string, (request: Request) => Response | Promise<Response>>;
