/** What reads throw when the store cannot be reached, or not in time. Anything else that they throw is a bug. */
export class StoreUnavailable extends Error {
  constructor(options: { readonly cause: unknown }) {
    super("the store cannot be reached", options);
  }
}

/** The store answers, but this statement took too long: perhaps because of what was asked. Something smaller may succeed. */
export class StoreTimedOut extends StoreUnavailable {}
