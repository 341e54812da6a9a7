import { isRejection } from "../../core/rejection.ts";
import { VirtualClock } from "../clock.ts";
import type { PoisonedStore } from "./poisoned-store.ts";

/** One place where requests of several clients share a statement. */
export interface Batcher {
  readonly name: string;
  /** The statements of `store/` that it shares, by name. */
  readonly statements: readonly string[];
  readonly open: (store: PoisonedStore) => OpenBatcher;
}

export interface OpenBatcher {
  readonly clock: VirtualClock;
  /** Begins the request of one client, which is about `id`. True: it was answered; false: it was refused or it threw. */
  readonly ask: (id: string) => Promise<boolean>;
  /** After the last request: lets those begin that wait for a time. */
  readonly flush?: () => Promise<void>;
}

export const never = () => {
  throw new Error("not part of this batcher");
};

/** Something over the store that answers requests. `ask` resolves with null or a rejection where it was refused. */
export function asking<Over>(
  name: string,
  statement: string,
  over: (store: PoisonedStore, clock: VirtualClock) => Over,
  ask: (asked: Over, id: string) => Promise<object | null>,
): Batcher {
  return {
    name,
    statements: [statement],
    open(store) {
      const clock = new VirtualClock();
      const asked = over(store, clock);
      return { clock, ask: (id) => ask(asked, id).then(isAnswer, () => false) };
    },
  };
}

function isAnswer(outcome: object | null): boolean {
  return outcome !== null && !isRejection(outcome);
}

/** Something that gathers what clients report and saves it for many of them at once. It notes in `saved` what is stored. */
export function saving<Over extends { save(): Promise<void> }>(
  name: string,
  statement: string,
  over: (store: PoisonedStore, clock: VirtualClock, saved: Set<string>) => Over,
  tell: (told: Over, id: string, clock: VirtualClock) => void,
): Batcher {
  return {
    name,
    statements: [statement],
    open(store) {
      const clock = new VirtualClock();
      const saved = new Set<string>();
      const told = over(store, clock, saved);
      return {
        clock,
        async ask(id) {
          tell(told, id, clock);
          await told.save();
          return saved.has(id);
        },
      };
    },
  };
}

export function addAll(to: Set<string>, ids: Iterable<string>): void {
  for (const id of ids) to.add(id);
}
