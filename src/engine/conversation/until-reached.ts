import { type Clock, pause } from "../../core/ports/clock.ts";
import { StoreUnavailable } from "../../core/ports/store-errors.ts";

/** The pause between attempts, so that a store in trouble is not asked in a tight loop. */
export const storePauseMs = 50;

/** Asks until the store answers, without an end: the turns end at their deadlines. The store reports why it failed. */
export async function untilReached<T>(clock: Clock, ask: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await ask();
    } catch {
      await pause(clock, storePauseMs);
    }
  }
}

/** As `untilReached`, but returns any error other than `StoreUnavailable`: asking again would never end. */
export function orFailure<T extends object>(
  clock: Clock,
  ask: () => Promise<T>,
): Promise<T | { readonly failure: unknown }> {
  return untilReached(clock, () =>
    ask().catch((failure: unknown) => {
      if (failure instanceof StoreUnavailable) throw failure;
      return { failure };
    }),
  );
}
