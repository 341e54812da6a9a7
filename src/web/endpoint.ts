import { Visibility } from "../core/presence/visibility.ts";
import type { Services } from "../operations/services.ts";
import { MessageTexts } from "../operations/views/message-texts.ts";
import type { Routes } from "../phoenix/channel.ts";
import type { Sockets } from "../phoenix/sockets.ts";
import type { EndpointOptions } from "./endpoint-options.ts";
import { type Entrance, openEntrance } from "./entrance.ts";
import { ConnectionCap } from "./http/connection-cap.ts";
import { Handshakes } from "./http/handshake.ts";
import { PublicListener } from "./http/public-listener.ts";
import { restApi } from "./http/rest.ts";
import { SocketDoor } from "./http/socket-door.ts";
import { openRealtime, type Realtime } from "./realtime/realtime.ts";
import { UserSubscriptions } from "./realtime/receivers.ts";
import type { Session } from "./realtime/session.ts";
import { channelsOf } from "./routes.ts";

/** The parts that REST and sockets share. */
interface Shared {
  readonly entrance: Entrance;
  readonly texts: MessageTexts;
  readonly visibility: Visibility;
}

/**
 * The public listener: WebSocket handshakes, probes, REST. Listens from construction on; throws as `Bun.serve` does when it
 * cannot (`EADDRINUSE`). Subscribes to delivery, whose events reach the sockets from then on.
 */
export class Endpoint {
  readonly #options: EndpointOptions;
  readonly #entrance: Entrance;
  readonly #realtime: Realtime;
  readonly #door: SocketDoor;
  readonly #listener: PublicListener;

  constructor(options: EndpointOptions) {
    const { settings, descriptors: limits, clock, observer } = options;
    const entrance = openEntrance(options);
    const visibility = new Visibility({ shownTo: settings.presenceShownTo });
    const shared: Shared = { entrance, visibility, texts: new MessageTexts() };
    const realtime = realtimeOf(options, shared);
    const services = servicesOf(options, shared, realtime);
    const cap = new ConnectionCap({ limits, clock, observer });
    this.#options = options;
    this.#entrance = entrance;
    this.#realtime = realtime;
    this.#door = doorOf(options, entrance, realtime, cap);
    this.#listener = listenerOf(options, this.#door, cap, realtime);
    this.#listener.listen(restOf(options, entrance, services, this.#listener));
    realtime.sockets.attach(this.#listener.server, routesOf(options, entrance, services, realtime));
  }

  get sockets(): Sockets<Session> {
    return this.#realtime.sockets;
  }

  /** The port that was taken. */
  get port(): number {
    return this.#listener.port;
  }

  /** The address at which it can be opened. */
  get url(): string {
    return this.#listener.url;
  }

  /**
   * Ends in order, within the deadline: the listener closes, sockets are told 1012 in batches, requests under way are
   * answered; then whatever is left is cut. Resolves when nothing of it is left.
   */
  async stop({ deadlineMs }: { readonly deadlineMs: number }): Promise<void> {
    this.#door.close();
    this.#entrance.admission.stop();
    this.#realtime.stopClosing();
    const answered = this.#listener.close("answer");
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const cancel = this.#options.clock.after(deadlineMs, resolve);
    await Promise.race([Promise.all([this.#drain(deadlineMs), answered]), late]);
    cancel();
    await this.#listener.close("cut");
    this.#entrance.lag.stop();
    this.#realtime.stop();
  }

  /** At most half of the deadline is spent on pauses. */
  #drain(deadlineMs: number): Promise<void> {
    const { batch, pauseMs } = this.#options.settings.drain;
    const batches = Math.ceil(this.sockets.size / batch);
    const longestPauseMs = Math.floor(deadlineMs / 2 / Math.max(1, batches));
    return this.sockets.drain({ batch, pauseMs: Math.min(pauseMs, longestPauseMs), code: 1012 });
  }
}

function realtimeOf(options: EndpointOptions, { entrance, texts, visibility }: Shared): Realtime {
  const { settings, delivery, ownership, pubsub, presence, lastSeen, clock, observer } = options;
  observer.gauge("online_users", () => presence.size);
  return openRealtime({
    settings,
    entrance,
    delivery,
    ownership,
    pubsub,
    presence,
    lastSeen,
    texts,
    visibility,
    clock,
    observer,
  });
}

/** Returns the services that operations use. */
function servicesOf(
  { commands, queries, marks, presence, settings, observer, newId, clock }: EndpointOptions,
  { texts, visibility }: Shared,
  { typing, presences }: Realtime,
): Services {
  const { payloads: limits } = settings;
  return {
    commands,
    queries,
    marks,
    typing,
    presences,
    presence,
    visibility,
    texts,
    limits,
    observer,
    newId,
    clock,
  };
}

function doorOf(
  { settings, clock, observer }: EndpointOptions,
  { authentication, gate, admission, pauses }: Entrance,
  { userSockets, sockets, ends }: Realtime,
  cap: ConnectionCap,
): SocketDoor {
  const { corsOrigins: origins, maxSessionMs } = settings;
  const handshakes = new Handshakes({
    authentication,
    gate,
    admission,
    userSockets,
    observer,
    origins,
    clock,
    maxSessionMs,
  });
  return new SocketDoor({ cap, handshakes, userSockets, sockets, ends, pauses, observer });
}

function listenerOf(
  { settings, descriptors, checks, extraRoutes, clock, newId, observer }: EndpointOptions,
  door: SocketDoor,
  cap: ConnectionCap,
  { sockets: { websocket } }: Realtime,
): PublicListener {
  return new PublicListener({
    settings,
    cap,
    descriptors,
    door,
    websocket,
    checks,
    extraRoutes,
    clock,
    newId,
    observer,
  });
}

function restOf(
  { observer, newId }: EndpointOptions,
  { authentication, gate }: Entrance,
  services: Services,
  { meter, addressOf, slow }: PublicListener,
) {
  return restApi({ services, authentication, gate, observer, newId, meter, addressOf, slow });
}

function routesOf(
  { joins, receipts, delivery, clock, observer }: EndpointOptions,
  { gate }: Entrance,
  services: Services,
  { typing, presences }: Realtime,
): Routes<Session> {
  const subscriptions = new UserSubscriptions({ delivery });
  return channelsOf({
    joins,
    receipts,
    subscriptions,
    delivery,
    typing,
    presences,
    services,
    gate,
    clock,
    observer,
  });
}
