/** All Phoenix sockets of one `Bun.serve`: their life, broadcasts to them, and their end. */
import type { Server, ServerWebSocket, WebSocketHandler } from "bun";
import { Backpressure } from "./backpressure.ts";
import { Broadcasts } from "./broadcasts.ts";
import type { Json, Position, Routes } from "./channel.ts";
import { type Closing, closeInBatches } from "./closing.ts";
import { Connection, type ConnectionHost, controlled, ponged, type SocketData } from "./connection.ts";
import { Inbox } from "./inbox.ts";
import { Intake } from "./intake.ts";
import type { FailedIn, SocketsObserver } from "./observer.ts";
import { Outbox } from "./outbox.ts";
import { PingPace } from "./ping-pace.ts";
import { Session } from "./session.ts";
import type { PhoenixSettings } from "./settings.ts";
import type { SocketsOptions } from "./sockets-options.ts";
import type { Subscription } from "./subscription.ts";
import { TopicQuota } from "./topic-quota.ts";
import { Topics } from "./topics.ts";

export type { SocketData } from "./connection.ts";

export class Sockets<Identity> {
  /** For `Bun.serve`. Its callbacks are guarded: an exception in one would end the process. */
  readonly websocket: WebSocketHandler<SocketData<Identity>>;
  readonly #options: SocketsOptions<Identity>;
  readonly #topics: Topics<Subscription<Identity>>;
  readonly #quota: TopicQuota;
  readonly #ownerOf: (identity: Identity) => unknown;
  readonly #inbox: Inbox<Identity>;
  readonly #outbox = new Outbox<Connection<Identity>>();
  readonly #pace: PingPace<Connection<Identity>>;
  readonly #host: ConnectionHost<Identity>;
  readonly #connections = new Set<Connection<Identity>>();
  readonly #backpressure: Backpressure<Identity>;
  readonly #broadcasts: Broadcasts<Identity>;
  #routes: Routes<Identity> = () => undefined;
  #sweeping: Timer | undefined;
  #draining = false;

  constructor(options: SocketsOptions<Identity>) {
    const { settings, frameLimit, observer, clock } = options;
    this.#options = options;
    this.#ownerOf = options.ownerOf ?? ((identity) => identity);
    this.#topics = new Topics(options.topics);
    this.#quota = new TopicQuota({ most: settings.maxTopicsPerOwner });
    this.#inbox = new Inbox({ maxFrameBytes: settings.maxFrameBytes, frameLimit, observer });
    this.#pace = new PingPace({ everyMs: settings.pingEveryMs, clock });
    this.#backpressure = new Backpressure({
      sockets: this.#connections,
      maxBytes: settings.maxHeldBytes,
      ownerOf: this.#ownerOf,
      ended: (identity) => observer.overrun("total", identity),
    });
    this.#broadcasts = new Broadcasts({
      topics: this.#topics,
      outbox: this.#outbox,
      backpressure: this.#backpressure,
    });
    this.#host = this.#hostOf(settings, observer);
    this.websocket = this.#callbacks();
  }

  #hostOf(settings: PhoenixSettings, observer: SocketsObserver<Identity>): ConnectionHost<Identity> {
    return {
      outbox: this.#outbox,
      backpressure: this.#backpressure,
      pace: this.#pace,
      roomBytes: roomShare * settings.sendBufferBytes,
      crowdedBytes: crowdedShare * settings.sendBufferBytes,
      sendBufferBytes: settings.sendBufferBytes,
      overrun: (identity) => observer.overrun("send", identity),
      failed: (where, error) => this.#failed(error, where),
    };
  }

  #callbacks(): WebSocketHandler<SocketData<Identity>> {
    const { maxFrameBytes, sendBufferBytes } = this.#options.settings;
    return {
      maxPayloadLength: closingFactor * maxFrameBytes,
      backpressureLimit: sendBufferBytes,
      closeOnBackpressureLimit: true,
      // Bun's own timer is reset by what we send; ours counts what was received.
      idleTimeout: 0,
      sendPings: false,
      perMessageDeflate: false,
      open: (socket) => this.#guard(() => this.#opened(socket)),
      message: (socket, data) => this.#received(socket, data),
      ping: (socket, payload) => this.#guard(() => controlled(socket, payload)),
      pong: (socket, payload) => this.#guard(() => ponged(socket, payload)),
      drain: (socket) => this.#guard(() => socket.data.drained()),
      close: (socket, code) => this.#guard(() => this.#closed(socket, code)),
    };
  }

  /** Call once the server listens, before the first upgrade. Starts the sweep of silent sockets. */
  attach(server: Server<SocketData<Identity>>, routes: Routes<Identity>): void {
    this.#broadcasts.attach(server);
    this.#routes = routes;
    clearInterval(this.#sweeping);
    this.#sweeping = setInterval(() => this.#sweep(), this.#options.settings.sweepEveryMs);
    this.#sweeping.unref();
  }

  /**
   * False: no WebSocket handshake, or draining (answer 503 with `retry-after`). Without `subprotocol` none is selected: Bun by itself
   * selects the first one that was offered, which may be a token.
   */
  upgrade(
    request: Request,
    server: Server<SocketData<Identity>>,
    identity: Identity,
    subprotocol?: string,
  ): boolean {
    if (this.#draining) return false;
    const data = new Connection<Identity>(identity, this.#host);
    return server.upgrade(request, { data, headers: { "sec-websocket-protocol": subprotocol ?? "" } });
  }

  #opened(socket: ServerWebSocket<SocketData<Identity>>): void {
    const connection = socket.data;
    const { canonical, gate, settings, observer } = this.#options;
    const { identity } = connection;
    const session = new Session({
      identity,
      wire: connection,
      settings,
      topics: this.#topics,
      routes: this.#routes,
      canonical,
      gate,
      intake: this.#intakeOf(identity),
      observer,
      quota: this.#quota,
      owner: this.#ownerOf(identity),
    });
    connection.opened(socket, session);
    this.#connections.add(connection);
    observer.opened(identity);
    if (this.#draining) connection.close(1012, "restart");
  }

  #intakeOf(identity: Identity): Intake<Identity> {
    const { settings, clock, takeLot } = this.#options;
    const { framesPerMin, heartbeatsPerMin: uselessPerMin } = settings;
    return new Intake({ identity, clock, framesPerMin, uselessPerMin, takeLot });
  }

  #closed(socket: ServerWebSocket<SocketData<Identity>>, code: number): void {
    if (!this.#connections.delete(socket.data)) return;
    socket.data.closed();
    this.#options.observer.closed(code, socket.data.identity);
  }

  /** The hot path: guarded without a closure. */
  #received(socket: ServerWebSocket<SocketData<Identity>>, data: string | Uint8Array): void {
    try {
      const connection = socket.data;
      connection.heard = true;
      this.#inbox.take(connection, data);
    } catch (error) {
      this.#failed(error);
    }
  }

  #guard(act: () => void): void {
    try {
      act();
    } catch (error) {
      this.#failed(error);
    }
  }

  #failed(error: unknown, where: FailedIn = "socket"): void {
    try {
      this.#options.observer.failed(where, "", error);
    } catch {
      // A broken log must not end the process.
    }
  }

  /** `Broadcasts` says what each of the five does. */
  broadcast(topic: string, event: string, payload: Json, position?: Position): void {
    this.#broadcasts.broadcast(topic, event, payload, position);
  }

  broadcastNow(topic: string, event: string, payload: Json): void {
    this.#broadcasts.broadcastNow(topic, event, payload);
  }

  pushEachNow(topic: string, event: string, payloadsFor: (identity: Identity) => readonly Json[]): void {
    this.#broadcasts.pushEachNow(topic, event, payloadsFor);
  }

  broadcastFrom(
    topic: string,
    event: string,
    payload: Json,
    isSource: (identity: Identity) => boolean,
  ): void {
    this.#broadcasts.broadcastFrom(topic, event, payload, isSource);
  }

  pushWhere(
    topic: string,
    event: string,
    payload: Json,
    match: (identity: Identity) => boolean,
    position?: Position,
  ): void {
    this.#broadcasts.pushWhere(topic, event, payload, match, position);
  }

  /** O(1); counts joins in flight. */
  hasListeners(topic: string): boolean {
    return this.#topics.has(topic);
  }

  /** Sockets that have joined the topic or are joining it. */
  listening(topic: string): number {
    return this.#topics.count(topic);
  }

  /** Open sockets. */
  get size(): number {
    return this.#connections.size;
  }

  /** Bytes that sockets have not read, when they were counted last. */
  get unreadBytes(): number {
    return this.#backpressure.bytes;
  }

  /** Topics that somebody has joined or is joining. */
  get topicCount(): number {
    return this.#topics.size;
  }

  /** Walks all sockets. What was queued for them is sent before the close frame. The number that matched. */
  closeWhere(match: (identity: Identity) => boolean, code: number, reason: string): number {
    const matching = [...this.#connections].filter((connection) => match(connection.identity));
    for (const connection of matching) connection.close(code, reason);
    return matching.length;
  }

  /**
   * Takes the topic away from its matching sockets with `phx_close`: nothing broadcast after this call reaches them.
   * A join in flight is asked again, so that its answer is not older than this call. The number that matched.
   */
  unsubscribeWhere(topic: string, match: (identity: Identity) => boolean): number {
    const matching = this.#broadcasts.matching(topic, match);
    for (const subscription of matching) subscription.evict();
    return matching.length;
  }

  /** Refuses new sockets from now on and closes the open ones, `batch` every `pauseMs`. Resolves when all were told. */
  drain(options: Omit<Closing, "reason">): Promise<void> {
    this.#draining = true;
    return this.closeAll({ ...options, reason: "restart" });
  }

  /** Closes the sockets that are open at this call, `batch` every `pauseMs`. Resolves when all were told. */
  closeAll(closing: Closing): Promise<void> {
    return closeInBatches(this.#connections, closing);
  }

  /** Ends the timers. Sockets stay: drain first. */
  stop(): void {
    clearInterval(this.#sweeping);
    this.#sweeping = undefined;
    this.#pace.stop();
  }

  /** Silence counts from the sweep that first noticed it, so a late timer can never close a socket early. */
  #sweep(): void {
    this.#guard(() => this.#backpressure.refresh());
    const nowMs = this.#options.clock.now();
    for (const connection of this.#connections) {
      if (connection.heard) {
        connection.heard = false;
        connection.silentSinceMs = nowMs;
      } else if (nowMs - connection.silentSinceMs >= this.#options.settings.idleTimeoutMs) {
        this.#guard(() => connection.closeSilent());
      }
    }
  }
}

/**
 * A frame of up to so many times `maxFrameBytes` is answered, a larger one closes its socket. A stock client that is closed sends the same
 * push again for ever; one that is answered stops.
 */
const closingFactor = 4;
/** The share of the send buffer up to which a reply is sent: the rest is for what follows it, such as broadcasts that were held. */
const roomShare = 1 / 4;
/** Pages of a backfill, which wait for one another, do not reach it. */
const crowdedShare = 3 / 4;
