import type { Clock } from "../../core/ports/clock.ts";
import type { Observer } from "../../core/ports/observer.ts";
import { type Ownership, someShard } from "../../core/ports/ownership.ts";
import type { Delivery } from "../../engine/sync/delivery.ts";
import type { Sockets } from "../../phoenix/sockets.ts";
import type { Session } from "./session.ts";

/** How long sockets stay open while no owner can be reached: longer than a restart of the database takes. */
const graceMs = 3_000;
const closeAtOnce = { batch: 100, pauseMs: 50 };

/**
 * Keeps no socket open that hears nothing: while no owner can be reached, what others store is not published here. After a short grace the
 * sockets are closed with 1012 (handshakes are refused meanwhile), so that clients find a node that serves. Of shards that are gained, what
 * was missed is read for the sockets that stayed. Another history of the store closes all of them at once.
 */
export class Standby {
  readonly #ownership: Pick<Ownership, "ownerOf">;
  readonly #sockets: Pick<Sockets<Session>, "closeAll" | "closeWhere" | "size">;
  readonly #delivery: Pick<Delivery, "compareHeads" | "forgetAll">;
  readonly #clock: Clock;
  readonly #observer: Observer;
  #cancel: () => void = () => {};

  constructor(options: {
    readonly ownership: Pick<Ownership, "ownerOf" | "onChange" | "onNewHistory">;
    readonly sockets: Pick<Sockets<Session>, "closeAll" | "closeWhere" | "size">;
    readonly delivery: Pick<Delivery, "compareHeads" | "forgetAll">;
    readonly clock: Clock;
    readonly observer: Observer;
  }) {
    this.#ownership = options.ownership;
    this.#sockets = options.sockets;
    this.#delivery = options.delivery;
    this.#clock = options.clock;
    this.#observer = options.observer;
    options.ownership.onChange((shards, held) => (held ? this.#gained(shards) : this.#lost()));
    options.ownership.onNewHistory(() => this.#startAfresh());
  }

  stop(): void {
    this.#cancel();
  }

  #gained(shards: ReadonlySet<number>): void {
    this.#cancel();
    this.#delivery.compareHeads(shards).catch((error) => this.#observer.bug("comparing heads", error));
  }

  #lost(): void {
    this.#cancel();
    this.#cancel = this.#clock.after(graceMs, () => {
      const isServed = someShard((shard) => this.#ownership.ownerOf(shard) !== null);
      if (isServed || this.#sockets.size === 0) return;
      this.#observer.warn("sockets_closed_without_ownership", { sockets: this.#sockets.size });
      this.#sockets
        .closeAll({ ...closeAtOnce, code: 1012, reason: "restart" })
        .catch((error) => this.#observer.bug("closing sockets", error));
    });
  }

  /** In one turn: nothing of the new history may reach a socket that knows the old one. */
  #startAfresh(): void {
    const closed = this.#sockets.closeWhere(() => true, 1012, "restart");
    this.#delivery.forgetAll();
    this.#observer.warn("sockets_closed_new_history", { sockets: closed });
  }
}
