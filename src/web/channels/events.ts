import type { Observer } from "../../core/ports/observer.ts";
import { type Rejection, reject } from "../../core/rejection.ts";
import type { Push } from "../../phoenix/channel.ts";
import { rejectionText } from "../rejections.ts";
import type { Session } from "../session.ts";

/** What is done with a push; its reply may come later. What it returns is refused here, and counted. */
export type Act = (push: Push<Session>) => Rejection | null | Promise<Rejection | null>;

/** What a channel answers to, by the name of the event. */
export class Events {
  readonly #acts: ReadonlyMap<string, Act>;
  readonly #observer: Observer;
  readonly #unknown: Rejection;

  constructor(options: { readonly acts: ReadonlyMap<string, Act>; readonly observer: Observer }) {
    const names = [...options.acts.keys()].join(", ");
    this.#acts = options.acts;
    this.#observer = options.observer;
    this.#unknown = reject("unknown_event", `Nothing answers to this event here. Events: ${names}.`);
  }

  receive(push: Push<Session>): void | Promise<void> {
    const act = this.#acts.get(push.event);
    const refusal = act ? act(push) : this.#unknown;
    if (refusal instanceof Promise) return refusal.then((late) => this.#refuse(push, late));
    this.#refuse(push, refusal);
  }

  #refuse(push: Push<Session>, refusal: Rejection | null): void {
    if (!refusal) return;
    this.#observer.refused(refusal.code);
    push.reply(false, rejectionText(refusal));
  }
}
