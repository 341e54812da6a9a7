import { StoreTimedOut, StoreUnavailable } from "../../core/ports/store-errors.ts";
import type { Rejection } from "../../core/rejection.ts";
import { tooSlow, unreachable } from "../refusals.ts";

/** Returns the answer of the store, or the refusal that it cannot be reached or is too slow. Throws any other error on: it is a bug. */
export async function orUnavailable<T>(asked: Promise<T>): Promise<T | Rejection> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof StoreTimedOut) return tooSlow;
    if (error instanceof StoreUnavailable) return unreachable;
    throw error;
  }
}
