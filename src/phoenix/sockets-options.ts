import type { Gate } from "./channel.ts";
import type { FrameLimit } from "./frame-reader.ts";
import type { TakeLot } from "./intake.ts";
import type { SocketsObserver } from "./observer.ts";
import type { PhoenixSettings } from "./settings.ts";
import type { TopicListener } from "./topics.ts";

export interface SocketsOptions<Identity> {
  /** The one spelling of a topic that all of its spellings share, and by which everybody but the client names it. Absent: the client's. */
  readonly canonical?: (topic: string) => string;
  readonly gate?: Gate<Identity>;
  /** How large frames may be by their event; absent: `maxFrameBytes`. */
  readonly frameLimit?: FrameLimit;
  /** Sockets of one owner count together when all have too much unread; absent: each for itself. */
  readonly ownerOf?: (identity: Identity) => unknown;
  /** What all sockets of an identity may send together; absent: any number of frames. */
  readonly takeLot?: TakeLot<Identity>;
  readonly settings: PhoenixSettings;
  /** Learns which topics are heard, by their canonical spelling. */
  readonly topics?: TopicListener;
  readonly observer: SocketsObserver<Identity>;
  /** Milliseconds from any start; never goes back. */
  readonly clock: { now(): number };
}
