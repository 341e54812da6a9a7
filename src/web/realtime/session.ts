import type { Identity } from "../../core/ports/tokens.ts";
import type { Arrival } from "./arrival.ts";

/** The user and device of an open socket, and the time at which it ends. */
export interface Session extends Identity {
  /** From `deviceTagOf`. */
  readonly deviceTag: number;
  /** By which the frames of this socket are counted. */
  readonly connectionKey: string;
  /** Milliseconds since the Unix epoch: the end of the token, or of the longest session, whichever comes first. */
  readonly endsAtMs: number;
  /** The arrival of this socket, until its first joins are answered. */
  readonly arrival: Arrival;
}
