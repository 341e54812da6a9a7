/** One open WebSocket: the wire under a session, and the frames queued for it in this turn. */
import type { ServerWebSocket } from "bun";
import type { Outbox } from "./outbox.ts";
import type { Session } from "./session.ts";
import type { Wire } from "./wire.ts";

/** What Bun keeps with each socket (`ws.data`). */
export type SocketData<Identity> = Connection<Identity>;

export class Connection<Identity> implements Wire {
  readonly identity: Identity;
  readonly #outbox: Outbox<Connection<Identity>>;
  readonly #overrun: () => void;
  #socket: ServerWebSocket<SocketData<Identity>> | undefined;
  #frames: string[] = [];
  #ordered = false;
  #whenDrained: (() => void)[] | undefined;
  /** Set from open to close. */
  session: Session<Identity> | undefined;
  /** A frame came since the last sweep: the cheapest note that the receiving path can take. */
  heard = true;
  silentSinceMs = 0;

  constructor(options: {
    readonly identity: Identity;
    readonly outbox: Outbox<Connection<Identity>>;
    readonly overrun: () => void;
  }) {
    this.identity = options.identity;
    this.#outbox = options.outbox;
    this.#overrun = options.overrun;
  }

  opened(socket: ServerWebSocket<SocketData<Identity>>, session: Session<Identity>): void {
    this.#socket = socket;
    this.session = session;
  }

  closed(): void {
    this.#socket = undefined;
    this.#frames = [];
    this.session?.end();
    this.session = undefined;
    this.#callDrained();
  }

  send(frame: string): void {
    if (this.#socket === undefined) return;
    if (this.#frames.push(frame) === 1) this.#outbox.add(this);
  }

  push(frame: string): void {
    this.send(frame);
    if (this.#ordered) return;
    this.#ordered = true;
    this.#outbox.keepOrder(this);
  }

  flush(): void {
    this.#ordered = false;
    if (this.#socket === undefined || this.#frames.length === 0) return;
    this.#socket.cork(sendQueued);
  }

  /** Inside the cork. A send that returns 0 was dropped: the socket is over its bound and being closed. */
  sendQueued(socket: ServerWebSocket<SocketData<Identity>>): void {
    const frames = this.#frames;
    this.#frames = [];
    for (const frame of frames) {
      if (socket.sendText(frame) !== 0) continue;
      this.#overrun();
      return;
    }
  }

  subscribe(topic: string): void {
    this.#socket?.subscribe(topic);
  }

  unsubscribe(topic: string): void {
    this.#socket?.unsubscribe(topic);
  }

  whenDrained(then: () => void): void {
    this.flush();
    if (this.#isDrained()) return then();
    this.#whenDrained ??= [];
    this.#whenDrained.push(then);
  }

  /** Bun tells of it; more may have been sent since. */
  drained(): void {
    if (this.#whenDrained !== undefined && this.#isDrained()) this.#callDrained();
  }

  #isDrained(): boolean {
    return this.#socket === undefined || this.#socket.getBufferedAmount() === 0;
  }

  #callDrained(): void {
    const waiting = this.#whenDrained;
    this.#whenDrained = undefined;
    for (const then of waiting ?? []) then();
  }

  /** Nothing that arrives after this is heard, even before the peer has answered the close. */
  close(code: number, reason: string): void {
    const socket = this.#socket;
    this.flush();
    this.closed();
    socket?.close(code, reason);
  }

  /** For a peer that seems dead: a close frame where it can still be written, the bare end of the connection where not. */
  closeSilent(): void {
    if ((this.#socket?.getBufferedAmount() ?? 0) > 0) this.#socket?.terminate();
    else this.close(1001, "idle");
  }
}

/** One function for every socket: no closure per flush. */
function sendQueued<Identity>(socket: ServerWebSocket<SocketData<Identity>>): void {
  socket.data.sendQueued(socket);
}
