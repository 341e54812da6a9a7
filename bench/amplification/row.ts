import type { Device } from "./device.ts";
import type { Exchange } from "./http-connection.ts";
import type { LargeGroup, World } from "./world.ts";

/** Where and how often a row is measured. */
export interface Run {
  readonly world: World;
  /** Whether few listen, or everybody. */
  readonly room: LargeGroup;
  readonly times: number;
  /** What `prepare` made. */
  prepared: unknown;
}

/** One operation with one input. The input is as bad as the limits allow: the smallest one with the largest effect, or the dearest to handle. */
export interface Row {
  /** A name from `operations`. */
  readonly operation: string;
  readonly input: string;
  /** Answers with stored data, page by page: held to 1 MB instead of to a ratio. */
  readonly isPage?: true;
  /** Others hear of it: measured too where everybody listens. */
  readonly isHeard?: boolean;
  /** How many people it brings into a conversation. Default: none. */
  readonly people?: number;
  /** Bytes that are counted beside those of its answer. */
  readonly readBytes?: number;
  /** Why it cannot be asked for again and again. */
  readonly paidBy?: string;
  /** Default: 10. */
  readonly times?: number;
  /** What it needs that is no part of it. Not measured. */
  prepare?(run: Run): Promise<unknown>;
  /** One request. */
  act(run: Run, index: number): Promise<Exchange>;
  /** The other's socket, where it is not one of the group's. */
  hears?(run: Run): Device;
  /** A socket of the asker all of whose frames belong to the answer. */
  follow?(run: Run): Device;
}
