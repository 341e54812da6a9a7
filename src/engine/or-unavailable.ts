import { StoreUnavailable } from "../core/ports/store.ts";
import { type Rejection, reject } from "../core/rejection.ts";

/** What was asked of the store, or the refusal that says it cannot be reached. Bugs are thrown on. */
export async function orUnavailable<T>(asked: Promise<T>): Promise<T | Rejection> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof StoreUnavailable) return unavailable;
    throw error;
  }
}

const unavailable = reject(
  "unavailable",
  "The store cannot be reached at present. Ask again after retry_after_ms.",
  {
    retryAfterMs: 1_000,
  },
);
