import { StoreTimedOut, StoreUnavailable } from "../../core/ports/store-errors.ts";
import type { Rejection } from "../../core/rejection.ts";
import { tooSlow, unreachable } from "../refusals.ts";

/** What was asked of the store, or the refusal that says it cannot be reached. Bugs are thrown on. */
export async function orUnavailable<T>(asked: Promise<T>): Promise<T | Rejection> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof StoreTimedOut) return tooSlow;
    if (error instanceof StoreUnavailable) return unreachable;
    throw error;
  }
}
