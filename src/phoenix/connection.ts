/** One open WebSocket: the wire under a session, and the frames queued for it in this turn. */
import type { ServerWebSocket } from "bun";
import type { Backpressure, Waiting } from "./backpressure.ts";
import type { Prover } from "./channel.ts";
import type { FailedIn } from "./observer.ts";
import type { Outbox } from "./outbox.ts";
import type { PingPace } from "./ping-pace.ts";
import { Proofs } from "./proofs.ts";
import type { Session } from "./session.ts";
import type { Wire } from "./wire.ts";

/** What Bun keeps with each socket (`ws.data`). */
export type SocketData<Identity> = Connection<Identity>;

/** What all connections of an endpoint share. */
export interface ConnectionHost<Identity> {
  readonly outbox: Outbox<Connection<Identity>>;
  readonly backpressure: Pick<Backpressure<Identity>, "sent" | "isHigh">;
  readonly pace: PingPace<Connection<Identity>>;
  /** From here on a socket has no room for what can wait. */
  readonly roomBytes: number;
  /** From here on a socket takes no large frames in. */
  readonly crowdedBytes: number;
  /** Over this a socket is closed by the WebSocket layer. */
  readonly sendBufferBytes: number;
  /** Called once for a socket that is being closed because it does not read fast enough. */
  overrun(identity: Identity): void;
  failed(where: FailedIn, error: unknown): void;
}

export class Connection<Identity> implements Wire, Waiting<Identity> {
  readonly identity: Identity;
  readonly #host: ConnectionHost<Identity>;
  #socket: ServerWebSocket<SocketData<Identity>> | undefined;
  #frames: string[] = [];
  /** Characters of `#frames`. */
  #queued = 0;
  #ordered = false;
  #isOverrun = false;
  #proofs: Proofs | undefined;
  #whenDrained: (() => void)[] | undefined;
  /** Set from open to close. */
  session: Session<Identity> | undefined;
  /** A frame came since the last sweep: the cheapest note that the receiving path can take. */
  heard = true;
  silentSinceMs = 0;

  constructor(identity: Identity, host: ConnectionHost<Identity>) {
    this.identity = identity;
    this.#host = host;
  }

  opened(socket: ServerWebSocket<SocketData<Identity>>, session: Session<Identity>): void {
    this.#socket = socket;
    this.session = session;
  }

  closed(): void {
    this.#socket = undefined;
    this.#frames = [];
    this.#proofs = undefined;
    this.#queued = 0;
    this.session?.end();
    this.session = undefined;
    this.#host.pace.forget(this);
    this.#callDrained();
  }

  send(frame: string): void {
    if (this.#socket === undefined) return;
    this.#host.backpressure.sent(frame.length);
    this.#queued += frame.length;
    if (this.#frames.push(frame) === 1) this.#host.outbox.add(this);
  }

  push(frame: string): void {
    this.send(frame);
    if (this.#ordered) return;
    this.#ordered = true;
    this.#host.outbox.keepOrder(this);
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
    this.#queued = 0;
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

  publish(topic: string, frame: string): boolean {
    return this.#socket?.publish(topic, frame) !== 0;
  }

  noteOverrun(): void {
    if ((this.#socket?.getBufferedAmount() ?? 0) > this.#host.sendBufferBytes) this.#overrun();
  }

  #overrun(): void {
    if (this.#isOverrun) return;
    this.#isOverrun = true;
    this.#host.overrun(this.identity);
  }

  prove(prover: Prover): void {
    if (this.#socket === undefined) return;
    this.#proofs ??= new Proofs({ failed: (error) => this.#host.failed("proof", error) });
    this.#proofs.want(prover);
    this.#pingWhenDue();
  }

  unprove(prover: Prover): void {
    this.#proofs?.drop(prover);
  }

  /** A pong proves what its ping asked for, and lets the next one out. False: nobody asked for it. */
  ponged(payload: string): boolean {
    const isAnswer = this.#proofs?.ponged(payload) ?? false;
    this.#pingWhenDue();
    return isAnswer;
  }

  rested(): void {
    this.#pingWhenDue();
  }

  #pingWhenDue(): void {
    if (this.#proofs?.isDue && !this.#host.pace.isResting(this)) this.#host.outbox.addPing(this);
  }

  /**
   * In one write with what is queued; a ping takes the socket's publishes along as any send does. One that is dropped
   * (over the bound) belongs to a socket that is being closed.
   */
  ping(): void {
    if (!this.#proofs?.isDue) return;
    this.#host.pace.pinged(this);
    const payload = this.#proofs.ping();
    this.#socket?.cork((socket) => {
      this.sendQueued(socket);
      socket.ping(payload);
    });
  }

  get hasRoom(): boolean {
    return this.#unread < (this.#host.backpressure.isHigh ? 1 : this.#host.roomBytes);
  }

  get waitingBytes(): number {
    return this.#unread + (this.session?.waitingBytes ?? 0);
  }

  get isCrowded(): boolean {
    return this.#unread >= this.#host.crowdedBytes;
  }

  get #unread(): number {
    return this.#socket === undefined ? 0 : this.#queued + this.#socket.getBufferedAmount();
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

  terminate(): void {
    const socket = this.#socket;
    this.closed();
    socket?.terminate();
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

/** A ping of the client arrived. */
export function controlled<Identity>(socket: ServerWebSocket<SocketData<Identity>>, payload: Buffer): void {
  socket.data.heard = true;
  socket.data.session?.control(payload.length);
}

/** A pong arrived: it answers a ping of ours, or counts as any control frame. */
export function ponged<Identity>(socket: ServerWebSocket<SocketData<Identity>>, payload: Buffer): void {
  const connection = socket.data;
  connection.heard = true;
  if (!connection.ponged(payload.toString("latin1"))) connection.session?.control(payload.length);
}
