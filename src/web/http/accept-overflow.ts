import { dlopen, ptr } from "bun:ffi";
import { closeSync, openSync, readdirSync } from "node:fs";
import type { Clock } from "../../core/ports/clock.ts";
import type { Observer } from "../../core/ports/observer.ts";
import type { DescriptorLimits } from "./connection-cap.ts";

const lookEveryMs = 250;
/** While there is no descriptor left. */
const lookOftenMs = 20;
/** The most connections that are refused in one turn of the loop. */
const mostAtOnce = 1_000;

/** Numbers of Linux. */
const socketLevel = 1; // SOL_SOCKET
const isListening = 30; // SO_ACCEPTCONN
const nonBlocking = 0x800 | 0x80000; // SOCK_NONBLOCK | SOCK_CLOEXEC
const withoutWaiting = 0x40 | 0x4000; // MSG_DONTWAIT | MSG_NOSIGNAL

const body = `{"error":"overloaded","message":"This server has as many connections as it may have. Try again after retry_after_ms.","retry_after_ms":5000}`;
const refusal = Buffer.from(
  `HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nRetry-After: 5\r\nConnection: close\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
);

/**
 * Refuses connections that nobody could accept. A process without a free descriptor cannot accept, so its listener stays
 * readable, and the runtime tries again in a tight loop (uSockets has no answer to EMFILE). One descriptor is kept for that
 * case: it is given up, the connections that wait are accepted through it one by one and refused with 503, and it is taken
 * back. Without libc (or on another system than Linux) it does nothing.
 */
export class AcceptOverflow {
  readonly #limits: DescriptorLimits;
  readonly #clock: Pick<Clock, "after">;
  readonly #observer: Pick<Observer, "error" | "refused">;
  readonly #libc = openLibc();
  readonly #listener: number | null;
  #spare: number | null = null;
  #cancel: () => void = () => {};

  constructor(options: {
    /** The port on which this process listens. */
    readonly port: number;
    readonly limits: DescriptorLimits;
    readonly clock: Pick<Clock, "after">;
    readonly observer: Pick<Observer, "error" | "refused">;
  }) {
    this.#limits = options.limits;
    this.#clock = options.clock;
    this.#observer = options.observer;
    this.#listener = this.#libc && findListener(this.#libc, options.port);
    if (this.#listener === null) return;
    this.#spare = openSpare();
    this.#lookLater(lookEveryMs);
  }

  stop(): void {
    this.#cancel();
    if (this.#spare !== null) closeSync(this.#spare);
    this.#spare = null;
  }

  #lookLater(delayMs: number): void {
    this.#cancel = this.#clock.after(delayMs, () => this.#look());
  }

  #look(): void {
    const { open, limit } = this.#limits;
    const isExhausted = open() >= limit - 1;
    if (isExhausted) this.#refuseWaiting();
    this.#lookLater(isExhausted ? lookOftenMs : lookEveryMs);
  }

  #refuseWaiting(): void {
    if (this.#spare !== null) closeSync(this.#spare);
    let refused = 0;
    while (refused < mostAtOnce && this.#refuseNext()) refused++;
    this.#spare = openSpare();
    if (refused === 0) return;
    this.#observer.error("descriptors_exhausted", { limit: this.#limits.limit, refused });
  }

  /** Refuses one waiting connection. False: none waits. */
  #refuseNext(): boolean {
    const libc = this.#libc!;
    const connection = libc.accept4(this.#listener!, null, null, nonBlocking);
    if (connection < 0) return false;
    this.#observer.refused("overloaded");
    // Read what the client sent before the close: otherwise it gets a reset instead of the answer.
    while (Number(libc.recv(connection, ptr(scratch), scratch.length, withoutWaiting)) > 0);
    libc.send(connection, ptr(refusal), refusal.length, withoutWaiting);
    libc.close(connection);
    return true;
  }
}

const scratch = new Uint8Array(16_384);

function openLibc() {
  try {
    return dlopen("libc.so.6", {
      accept4: { args: ["i32", "ptr", "ptr", "i32"], returns: "i32" },
      getsockopt: { args: ["i32", "i32", "i32", "ptr", "ptr"], returns: "i32" },
      getsockname: { args: ["i32", "ptr", "ptr"], returns: "i32" },
      recv: { args: ["i32", "ptr", "u64", "i32"], returns: "i64" },
      send: { args: ["i32", "ptr", "u64", "i32"], returns: "i64" },
      close: { args: ["i32"], returns: "i32" },
    }).symbols;
  } catch {
    return null;
  }
}

/** The descriptor on which this process listens on the port, among all that it has. */
function findListener(libc: NonNullable<ReturnType<typeof openLibc>>, port: number): number | null {
  const fds = readdirSync("/proc/self/fd").map(Number);
  return fds.find((fd) => listens(libc, fd) && portOf(libc, fd) === port) ?? null;
}

function listens(libc: NonNullable<ReturnType<typeof openLibc>>, fd: number): boolean {
  const answer = new Int32Array(1);
  const size = new Uint32Array([answer.byteLength]);
  return libc.getsockopt(fd, socketLevel, isListening, ptr(answer), ptr(size)) === 0 && answer[0] === 1;
}

/** Returns the port of a TCP socket. IPv4 and IPv6 have it at the same place. */
function portOf(libc: NonNullable<ReturnType<typeof openLibc>>, fd: number): number {
  const address = new Uint8Array(128);
  const size = new Uint32Array([address.byteLength]);
  if (libc.getsockname(fd, ptr(address), ptr(size)) !== 0) return 0;
  return (address[2]! << 8) | address[3]!;
}

function openSpare(): number | null {
  try {
    return openSync("/dev/null", "r");
  } catch {
    return null;
  }
}
