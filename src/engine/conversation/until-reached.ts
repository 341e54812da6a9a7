import { type Clock, pause } from "../../core/ports/clock.ts";
import { StoreUnavailable } from "../../core/ports/store-errors.ts";

/** Keeps a store in trouble from being asked in a tight loop. */
export const storePauseMs = 50;

/** Asks until the store answers. The deadlines of the turns end the waiting of those who asked, not this. The store reports why it failed. */
export async function untilReached<T>(clock: Clock, ask: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await ask();
    } catch {
      await pause(clock, storePauseMs);
    }
  }
}

/** As `untilReached`, but what is no fault of the store's reach is returned: asking again would never end. */
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
