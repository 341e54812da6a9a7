/** When users were online last, in microseconds by user. Throws `StoreUnavailable`. */
export interface LastSeen {
  /** Many users in one statement. Times only move forward. */
  save(users: ReadonlyMap<string, number>): Promise<void>;
}
