/** What a topic is to the code behind it. A channel is shared by all its sockets; what it is told names the identity. */

/** JSON text, already encoded: spliced verbatim into a frame, never parsed again. */
export type Json = string;

/** Where a broadcast stands in what it tells of. Positions of different streams say nothing of each other. */
export interface Position {
  readonly stream: string;
  readonly at: number;
}

export interface Joining<Identity> {
  readonly topic: string;
  readonly identity: Identity;
  /** A parsed JSON value from the client, unchecked. Undefined once the join has settled and `accepted` was called. */
  readonly payload: unknown;
  /**
   * Pushes to this socket on this topic with its join_ref, in order with the topic's broadcasts. Throws before
   * the join was accepted (use `accepted`); silently dropped after the topic was left, joined again or closed.
   */
  push(event: string, payload: Json): void;
  /** Little waits to be read on this socket, whatever its topic: what can be told later should wait while this is false. */
  readonly hasRoom: boolean;
  /**
   * Asks for proof that the peer has received what it was sent: calls the outcome's `receiver` around a ping, which goes out
   * as soon as `pingEveryMs` and a ping that is outstanding allow, at the end of this turn if both do. All that is asked of
   * a socket until then shares the ping; asking twice counts once. Throws before the join was accepted; does nothing once
   * the subscription has ended.
   */
  prove(): void;
}

/** A write alone proves nothing; the pong of a ping sent after it does. */
export interface Prover {
  /** A ping is going out now, behind everything that was queued or published to this socket before: remember what that was. */
  pinged(): void;
  /** Its pong came: the peer has received all that was sent before `pinged`. Never called when the socket ends first. */
  proved(): void;
}

/**
 * Records what one subscription of a socket sent, and what of it arrived. A subscription lasts from an accepted join to the
 * re-join, leave or close that ends it; each has a receiver of its own.
 */
export interface Receiver extends Prover {
  /** A broadcast with a position goes out to this socket: live, or held before and not covered. In order, once per broadcast. */
  sent(position: Position): void;
  /**
   * Called once when the subscription ends; a re-join ends it as it begins, also when it is refused later. What is not proved
   * by then never is: the client may have dropped it.
   */
  ended(): void;
}

export type JoinOutcome =
  | {
      readonly ok: true;
      readonly response: Json;
      /**
       * Held broadcasts whose position it covers are in the response (or were fed) already and are not delivered again.
       * Asked when they are released, so it may have moved on since; must be pure. A broadcast without a position is
       * never covered.
       */
      readonly covers?: (position: Position) => boolean;
      /** Of this subscription alone. Held broadcasts that go out are `sent` before `accepted` where there is no backfill. */
      readonly receiver?: Receiver;
      /** Called once the ok reply is queued, before held pushes are received: the place to push first things and to acquire what `left` releases. */
      readonly accepted?: () => void;
      /**
       * Called after `accepted`: sends what the client has missed, while the topic's broadcasts are still held for this
       * socket; its own pushes are received meanwhile. Once it resolves with the feed complete, what is held and not
       * covered goes out and the topic is live. Resolved incomplete, or rejected: the socket is closed with 1013, unless
       * the feed is over. Counts as a pending join until it settles, even when it is over.
       */
      readonly backfill?: (feed: Feed) => Promise<void>;
    }
  | { readonly ok: false; readonly response: Json };

/**
 * What a backfill sends to one socket. A loop that never closes a reader for being slow: read a page, `push` it, await
 * `drained`; when not `isComplete`, `hold` and read on from where it stands. A client that reads nothing costs no
 * memory between `drop` and `hold`.
 */
export interface Feed {
  /**
   * Goes out with the join_ref, after the ok reply and before every live broadcast of this topic. Dropped once over.
   * What is pushed without awaiting `drained` counts against `sendBufferBytes`, and so does what is held at the end.
   */
  push(event: string, payload: Json): void;
  /** From here on the topic's broadcasts are held for this socket; what was held before is dropped and forgotten. */
  hold(): void;
  /** What is held is dropped, and so is every broadcast until the next `hold`. */
  drop(): void;
  /**
   * Nothing was dropped since the last `hold` (or since the join began, before the first): neither by `drop` nor because
   * more was held than `maxHeldBroadcasts` or `sendBufferBytes` allow.
   */
  readonly isComplete: boolean;
  /** Resolves when nothing waits in the socket's send buffer (at once when nothing does), or when this is over. */
  drained(): Promise<void>;
  /** The topic was left, joined again or closed, or the socket is gone: what is still pushed has no effect. */
  readonly isOver: boolean;
}

export interface ClientEvent<Identity> {
  readonly topic: string;
  readonly event: string;
  /** A parsed JSON value, unchecked, or a `Uint8Array` from a binary push. */
  readonly payload: unknown;
  readonly identity: Identity;
  /** Exactly one reply counts, later ones are ignored; after close, leave or re-join it is dropped silently. */
  reply(ok: boolean, response: Json): void;
}

export interface Channel<Identity> {
  /**
   * Called for every join and re-join; the topic's broadcasts from here on are held until it is settled. May be called
   * again before it settled (another payload, or the subscription changed), and after it when its outcome had to wait for
   * the socket and was dropped: only the last outcome counts.
   * What it throws is answered `{reason: "internal"}`.
   */
  join(joining: Joining<Identity>): JoinOutcome | Promise<JoinOutcome>;
  /** Only for pushes of a joined topic with its join_ref. What it throws (or rejects with) is answered `{reason: "internal"}`. */
  receive(push: ClientEvent<Identity>): void;
  /** Once for each topic of a socket that was accepted, when it ends: leave, close, eviction, a refused re-join. Not between re-joins. */
  left?(topic: string, identity: Identity): void;
}

/** The part of a client's frame that a gate sees, before anybody else looks at it. */
export interface GatedFrame {
  readonly topic: string;
  readonly event: string;
  /** The size of the raw frame, in characters or bytes. */
  readonly size: number;
}

/**
 * Asked once for every well-formed frame of a client but its heartbeats. A response refuses the frame, with an error reply
 * where it has a ref; undefined lets it through. Called on the hot path: must be cheap. What it throws is answered `internal`.
 */
export type Gate<Identity> = (identity: Identity, frame: GatedFrame) => Json | undefined;

/** topic -> channel, undefined: unmatched topic */
export type Routes<Identity> = (topic: string) => Channel<Identity> | undefined;
