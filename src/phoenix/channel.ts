/** What a topic is to the code behind it. A channel is shared by all its sockets; what it is told names the identity. */

/** JSON text, already encoded: spliced verbatim into a frame, never parsed again. */
export type Json = string;

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
}

export type JoinOutcome =
  | {
      readonly ok: true;
      readonly response: Json;
      /** Broadcasts that arrived during the join at a position <= this are in the response already and are not delivered again. */
      readonly position?: number;
      /** Called once the ok reply is queued, before held pushes are received: the place to push first things and to acquire what `left` releases. */
      readonly accepted?: () => void;
    }
  | { readonly ok: false; readonly response: Json };

export interface Push<Identity> {
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
   * Called for every join and re-join; the topic's broadcasts from here on are held until it is settled. May be
   * called again before it settled (another payload, or the membership changed): then only the last outcome counts.
   * What it throws is answered `{reason: "internal"}`.
   */
  join(joining: Joining<Identity>): JoinOutcome | Promise<JoinOutcome>;
  /** Only for pushes of a joined topic with its join_ref. What it throws (or rejects with) is answered `{reason: "internal"}`. */
  receive(push: Push<Identity>): void;
  /** Once for each topic of a socket that was accepted, when it ends: leave, close, eviction, a refused re-join. Not between re-joins. */
  left?(topic: string, identity: Identity): void;
}

/** topic -> channel, undefined: unmatched topic */
export type Routes<Identity> = (topic: string) => Channel<Identity> | undefined;
