import type { Event } from "../events.ts";

/**
 * All events of one command, stored, on their way to whoever listens. Everything pushed can be lost; the log is the truth.
 * `audience`: the members at that revision.
 */
export interface Frame {
  readonly conversationId: string;
  readonly rev: number;
  readonly membersRev: number;
  readonly audience: readonly string[];
  readonly events: readonly Event[];
}

/**
 * Carries frames from owners to the nodes that have listeners. At most once; frames of one conversation published by one
 * owner arrive in the order of publication. `publish` never waits and never throws.
 */
export interface PubSub {
  publish(frame: Frame): void;
  /** One listener per node. */
  subscribe(listener: (frame: Frame) => void): void;
}
