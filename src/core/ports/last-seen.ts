/** When users were last online, in microseconds since the Unix epoch. Throws `StoreUnavailable`. */
export interface LastSeen {
  /** Saves the times of many users, by user id, in one statement. Times only move forward. */
  save(users: ReadonlyMap<string, number>): Promise<void>;
}
