/** Thrown by reads when the store cannot be reached, or not in time. Anything else that they throw is a bug. */
export class StoreUnavailable extends Error {
  constructor(options: { readonly cause: unknown }) {
    super("the store cannot be reached", options);
  }
}

/** The store can be reached, but this statement took too long, perhaps because it asked for too much. A smaller request may succeed. */
export class StoreTimedOut extends StoreUnavailable {}
