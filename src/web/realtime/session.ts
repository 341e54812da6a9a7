import type { Identity } from "../../core/ports/tokens.ts";
import type { Arrival } from "./arrival.ts";

/** Who is behind an open socket, and until when. */
export interface Session extends Identity {
  /** From `deviceTagOf`. */
  readonly deviceTag: number;
  /** By which the frames of this socket are counted. */
  readonly connectionKey: string;
  /** Milliseconds since the Unix epoch: the end of the token, or of the longest session, whichever comes first. */
  readonly endsAtMs: number;
  /** Of this socket, until its first joins are answered. */
  readonly arrival: Arrival;
}
