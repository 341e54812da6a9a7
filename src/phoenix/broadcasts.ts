/** Sends broadcasts to the sockets of a topic, in order with what their channels push. */
import type { Server } from "bun";
import type { Backpressure } from "./backpressure.ts";
import type { Json, Position } from "./channel.ts";
import { encodeBroadcast } from "./codec.ts";
import type { Connection, SocketData } from "./connection.ts";
import type { Outbox } from "./outbox.ts";
import type { Subscription } from "./subscription.ts";
import type { Topics } from "./topics.ts";

export class Broadcasts<Identity> {
  readonly #topics: Topics<Subscription<Identity>>;
  readonly #outbox: Outbox<Connection<Identity>>;
  readonly #backpressure: Backpressure<Identity>;
  #server: Server<SocketData<Identity>> | undefined;

  constructor(options: {
    readonly topics: Topics<Subscription<Identity>>;
    readonly outbox: Outbox<Connection<Identity>>;
    readonly backpressure: Backpressure<Identity>;
  }) {
    this.#topics = options.topics;
    this.#outbox = options.outbox;
    this.#backpressure = options.backpressure;
  }

  /** Publishes on this server from now on. */
  attach(server: Server<SocketData<Identity>>): void {
    this.#server = server;
  }

  /**
   * Tells every socket that joined the topic, in the order of the calls; encoded once and published natively. A socket
   * whose join or backfill is in flight hears it thereafter, unless the outcome covers `position`. A reply queued earlier in the same turn may come after it; a channel's own pushes keep their place.
   */
  broadcast(topic: string, event: string, payload: Json, position?: Position): void {
    if (!this.#topics.has(topic)) return;
    const frame = encodeBroadcast(topic, event, payload);
    this.#outbox.flushInOrder();
    if (!this.#topics.hold(topic, frame, position)) return;
    this.#publish(topic, frame);
    if (position === undefined) return;
    for (const subscription of this.#topics.each(topic)) subscription.broadcasted(position);
  }

  /**
   * A broadcast to those sockets only that hear the topic by now: kept for none whose join or backfill is in flight. For what a join ends with
   * anyway, because what is kept may be too much for a socket.
   */
  broadcastNow(topic: string, event: string, payload: Json): void {
    if (!this.#topics.isHeard(topic)) return;
    this.#outbox.flushInOrder();
    this.#publish(topic, encodeBroadcast(topic, event, payload));
  }

  /**
   * `broadcastNow`, of payloads that differ by socket. Walks the sockets of the topic once and queues a frame for each payload; an array
   * that is returned for several sockets is encoded once.
   */
  pushEachNow(topic: string, event: string, payloadsFor: (identity: Identity) => readonly Json[]): void {
    if (!this.#topics.isHeard(topic)) return;
    const encoded = new Map<readonly Json[], readonly string[]>();
    for (const subscription of this.#topics.each(topic)) {
      const payloads = payloadsFor(subscription.session.identity);
      const frames =
        encoded.get(payloads) ?? payloads.map((payload) => encodeBroadcast(topic, event, payload));
      encoded.set(payloads, frames);
      for (const frame of frames) subscription.heard(frame);
    }
  }

  /** To all who hear the topic, in each one's spelling of it. */
  #publish(topic: string, frame: string, source?: Subscription<Identity>): void {
    this.#backpressure.sent(frame.length * this.#topics.count(topic));
    const isForAll = source?.publish(frame) ?? this.#server?.publish(topic, frame) !== 0;
    if (!isForAll) this.#noteOverruns(topic);
    for (const subscription of this.#topics.respelled(topic)) {
      if (subscription !== source) subscription.heard(frame);
    }
  }

  /** The WebSocket layer reports that it dropped a frame for some socket and closes it, but not which one. */
  #noteOverruns(topic: string): void {
    for (const subscription of this.#topics.each(topic)) subscription.session.wire.noteOverrun();
  }

  /**
   * A broadcast to all sockets of the topic but the one that it comes from (Phoenix: `broadcast_from`), if that is among them: the first that
   * matches, for which the topic is walked.
   */
  broadcastFrom(
    topic: string,
    event: string,
    payload: Json,
    isSource: (identity: Identity) => boolean,
  ): void {
    const source = this.#topics.find(topic, ({ session }) => isSource(session.identity));
    if (source === undefined) return this.broadcast(topic, event, payload);
    const frame = encodeBroadcast(topic, event, payload);
    this.#outbox.flushInOrder();
    if (!this.#topics.hold(topic, frame, undefined, source)) return;
    this.#publish(topic, frame, source);
  }

  /**
   * A broadcast to the matching sockets of the topic only, in order with its broadcasts and the channel's pushes; held
   * as they are. Walks the sockets of the topic and queues a frame for each that matches.
   */
  pushWhere(
    topic: string,
    event: string,
    payload: Json,
    match: (identity: Identity) => boolean,
    position?: Position,
  ): void {
    const matching = this.matching(topic, match);
    if (matching.length === 0) return;
    const frame = encodeBroadcast(topic, event, payload);
    for (const subscription of matching) subscription.tell(frame, position);
  }

  /** Returns the subscriptions of the topic that match. A copy: they may be ended while it is walked. */
  matching(topic: string, match: (identity: Identity) => boolean): Subscription<Identity>[] {
    return this.#topics.listeners(topic).filter((subscription) => match(subscription.session.identity));
  }
}
