import type { Charge } from "../../core/limits/charge.ts";
import type { Observer } from "../../core/ports/observer.ts";
import { isRejection, type Rejection, reject } from "../../core/rejection.ts";
import type { ClientEvent } from "../../phoenix/channel.ts";
import type { Gate } from "../gate.ts";
import { rejectionText } from "../http/rejections.ts";
import type { Session } from "../realtime/session.ts";
import { type EventName, eventOperations } from "./event-operations.ts";

/** What is done with a push, at whose cost; its reply may come later. What it returns is refused here, and counted. */
export type Act = (
  push: ClientEvent<Session>,
  charge: Charge,
) => Rejection | null | Promise<Rejection | null>;

/** Acts by the names of their events. */
export type Acts = readonly (readonly [EventName, Act])[];

/** What a channel answers to, by the name of the event. */
export class Events {
  readonly #acts: ReadonlyMap<string, Act>;
  readonly #gate: Pick<Gate, "event">;
  readonly #observer: Observer;
  readonly #unknown: Rejection;

  constructor(options: {
    readonly acts: Acts;
    readonly gate: Pick<Gate, "event">;
    readonly observer: Observer;
  }) {
    const names = options.acts.map(([name]) => name).join(", ");
    this.#acts = new Map<string, Act>(options.acts);
    this.#gate = options.gate;
    this.#observer = options.observer;
    this.#unknown = reject("unknown_event", `Nothing answers to this event here. Events: ${names}.`);
  }

  /** Of all events that are answered. */
  get names(): readonly string[] {
    return [...this.#acts.keys()];
  }

  receive(push: ClientEvent<Session>): void | Promise<void> {
    const act = this.#acts.get(push.event);
    const refusal = act ? this.#act(act, push) : this.#unknown;
    if (refusal instanceof Promise) return refusal.then((late) => this.#refuse(push, late));
    this.#refuse(push, refusal);
  }

  #act(act: Act, push: ClientEvent<Session>): ReturnType<Act> {
    const charge = this.#gate.event(push.identity, eventOperations[push.event as EventName]);
    return isRejection(charge) ? charge : act(push, charge);
  }

  #refuse(push: ClientEvent<Session>, refusal: Rejection | null): void {
    if (!refusal) return;
    this.#observer.refused(refusal.code);
    push.reply(false, rejectionText(refusal));
  }
}
