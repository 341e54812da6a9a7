import { decode, Malformed } from "./codec.ts";
import type { Connection } from "./connection.ts";
import { type FrameLimit, FrameReader, Unread } from "./frame-reader.ts";
import type { SocketsObserver } from "./observer.ts";

/** Takes in the frames of all sockets. Everything that can refuse a large frame is asked before it is parsed. */
export class Inbox<Identity> {
  readonly #reader: FrameReader;
  readonly #observer: Pick<SocketsObserver<Identity>, "malformed" | "unread">;

  constructor(options: {
    readonly maxFrameBytes: number;
    readonly frameLimit: FrameLimit | undefined;
    readonly observer: Pick<SocketsObserver<Identity>, "malformed" | "unread">;
  }) {
    const { maxFrameBytes, frameLimit: limitOf } = options;
    this.#reader = new FrameReader({ maxFrameBytes, limitOf });
    this.#observer = options.observer;
  }

  /** On the hot path. After a close there is no session: what was on its way is dropped unread. */
  take(connection: Connection<Identity>, data: string | Uint8Array): void {
    if (!connection.session?.takes(data.length)) return;
    if (this.#reader.isSmall(data)) this.#takeSmall(connection, data);
    else this.#takeLarge(connection, data);
  }

  #takeSmall(connection: Connection<Identity>, data: string | Uint8Array): void {
    const frame = decode(data);
    if (frame instanceof Malformed) this.#malformed(connection, frame, data.length);
    else if (connection.session?.admits(frame)) connection.session?.receive(frame);
  }

  #takeLarge(connection: Connection<Identity>, data: string | Uint8Array): void {
    const seen = this.#reader.look(data);
    if (seen instanceof Unread) return this.#unread(connection, seen);
    if (seen instanceof Malformed) return this.#malformed(connection, seen, data.length);
    if (!connection.session?.takesValues(seen.values) || !connection.session.admits(seen.address)) return;
    const frame = decode(data);
    if (frame instanceof Malformed) this.#malformed(connection, frame, data.length);
    else connection.session?.receive(frame);
  }

  #unread(connection: Connection<Identity>, frame: Unread): void {
    this.#observer.unread(frame.problem);
    connection.session?.unread(frame);
  }

  #malformed(connection: Connection<Identity>, frame: Malformed, size: number): void {
    this.#observer.malformed();
    connection.session?.malformed(frame, size);
  }
}
