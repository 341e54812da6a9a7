import type { Costs } from "../../core/limits/costs.ts";
import type { Observer } from "../../core/ports/observer.ts";
import { isRejection, type Rejection, reject } from "../../core/rejection.ts";
import { operations } from "../../operations/list.ts";
import type { ChannelDoor } from "../../operations/operation.ts";
import type { Services } from "../../operations/services.ts";
import type { TopicKind } from "../../operations/topics/topics.ts";
import type { ClientEvent } from "../../phoenix/channel.ts";
import type { Gate } from "../gate.ts";
import { rejectionText } from "../http/rejections.ts";
import type { Session } from "./session.ts";

interface Door {
  readonly costs: Costs;
  readonly receive: ChannelDoor["receive"];
}

/** What the topics of one kind answer to, by the name of the event. */
export class Events {
  readonly #doors: ReadonlyMap<string, Door>;
  readonly #services: Services;
  readonly #gate: Pick<Gate, "event">;
  readonly #observer: Pick<Observer, "refused">;
  readonly #unknown: Rejection;

  constructor(options: {
    readonly topic: TopicKind;
    readonly services: Services;
    readonly gate: Pick<Gate, "event">;
    readonly observer: Pick<Observer, "refused">;
  }) {
    this.#doors = doorsOf(options.topic);
    this.#services = options.services;
    this.#gate = options.gate;
    this.#observer = options.observer;
    const names = [...this.#doors.keys()].join(", ");
    this.#unknown = reject("unknown_event", `Nothing answers to this event here. Events: ${names}.`);
  }

  receive(event: ClientEvent<Session>): void | Promise<void> {
    const door = this.#doors.get(event.event);
    if (!door) return this.#refuse(event, this.#unknown);
    const charge = this.#gate.event(event.identity, door.costs);
    if (isRejection(charge)) return this.#refuse(event, charge);
    return door.receive(event, this.#services, charge, (reply) => {
      if (typeof reply === "string") event.reply(true, reply);
      else this.#refuse(event, reply);
    });
  }

  #refuse(event: ClientEvent<Session>, rejection: Rejection): void {
    this.#observer.refused(rejection.code);
    event.reply(false, rejectionText(rejection));
  }
}

function doorsOf(topic: TopicKind): ReadonlyMap<string, Door> {
  const doors = new Map<string, Door>();
  for (const { channel, costs } of operations)
    for (const door of channel)
      for (const event of door.topic === topic ? door.events : [])
        doors.set(event, { costs, receive: (...given) => door.receive(...given) });
  return doors;
}
