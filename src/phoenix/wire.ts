import type { Prover } from "./channel.ts";

/** One socket, as the protocol needs it. Nothing here throws; after a close everything is dropped. */
export interface Wire {
  /** A frame that broadcasts of the same tick may overtake (replies). */
  send(frame: string): void;
  /** A frame that keeps its place among the broadcasts of its topic. */
  push(frame: string): void;
  subscribe(topic: string): void;
  unsubscribe(topic: string): void;
  /** A broadcast to all other sockets that are subscribed. False: there are none, or it was dropped for one that is over its bound. */
  publish(topic: string, frame: string): boolean;
  /** Reports the socket, once, when more waits for its peer than its bound allows: it is being closed. */
  noteOverrun(): void;
  /** Little waits to be read by the peer, queued frames included: a reply of some size may follow. True when the socket ended. */
  readonly hasRoom: boolean;
  /** So much waits to be read by the peer that a large answer could end the socket. */
  readonly isCrowded: boolean;
  /** Calls back once nothing waits to be read by the peer: at once where nothing does. Also when the socket ends. */
  whenDrained(then: () => void): void;
  prove(prover: Prover): void;
  /** Takes back what was asked for this prover, the ping that is outstanding too. */
  unprove(prover: Prover): void;
  close(code: number, reason: string): void;
}
