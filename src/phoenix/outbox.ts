/**
 * Frames to single sockets leave once per turn of the event loop, one corked write per socket. The flush runs when
 * every promise chain of the turn has finished (a nextTick asked for from a microtask) and before uWebSockets writes
 * its queued publishes; a send to a socket takes that socket's publishes along, in one write.
 *
 * Measured (200 sockets; per message 1 reply + 4 deliveries of 260 B over 3 published topics; us of CPU, client apart):
 *                                    100 messages a turn     400 messages a turn
 *   ws.send at once                      25.7                   21.4-25.0
 *   cork in setImmediate                 24.3                   10.6-12.7   (publishes are written before it)
 *   cork in a microtask                  15.8-19.6               7.3-7.6
 *   cork after the microtasks (this)     15.3-18.7               7.5
 *   own fan-out instead of publish       16.0-19.4               6.5-6.9
 * With 200 clients in a closed loop through the whole library: 1.0 send call per message for those 5 frames (strace),
 * 12-15 us of CPU per message; cork and publish are 63 % of the profile, decoding and encoding 9 %.
 * Own fan-out gains nothing that can be told from noise in small topics and loses natively shared frames in large ones.
 */
export interface Mailer {
  /** Sends all that is queued for this socket. Must not throw. */
  flush(): void;
  /** Pings, behind all that is queued for or published to this socket. Must not throw. */
  ping(): void;
}

export class Outbox<M extends Mailer> {
  #waiting: M[] = [];
  #inOrder: M[] = [];
  #pinging = new Set<M>();
  #scheduled = false;

  /** The mailer has its first queued frame. */
  add(mailer: M): void {
    this.#waiting.push(mailer);
    this.#schedule();
  }

  /** The mailer has something to prove: it pings once all is flushed. */
  addPing(mailer: M): void {
    this.#pinging.add(mailer);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    queueMicrotask(this.#afterMicrotasks);
  }

  /** The mailer has queued a frame that no later broadcast may overtake. */
  keepOrder(mailer: M): void {
    this.#inOrder.push(mailer);
  }

  /** Before a broadcast: sends what must come before it. */
  flushInOrder(): void {
    if (this.#inOrder.length === 0) return;
    const mailers = this.#inOrder;
    this.#inOrder = [];
    for (const mailer of mailers) mailer.flush();
  }

  readonly #afterMicrotasks = (): void => {
    process.nextTick(this.#flush);
  };

  readonly #flush = (): void => {
    const mailers = this.#waiting;
    const pinging = this.#pinging;
    this.#scheduled = false;
    this.#waiting = [];
    this.#inOrder = [];
    for (const mailer of mailers) mailer.flush();
    if (pinging.size === 0) return;
    this.#pinging = new Set();
    for (const mailer of pinging) mailer.ping();
  };
}
