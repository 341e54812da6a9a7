/**
 * What a batch has besides plain messages. Each combination is a statement of its own, which PostgreSQL plans once for each connection, over
 * all partitions: what many batches have is a flag of its own, what is rare shares one.
 */
export interface Variant {
  /** Rows of the tables in `tables.ts`, of any of them. */
  readonly tables: boolean;
  /** New messages with replies or media. */
  readonly relations: boolean;
  readonly marks: boolean;
  /** Keys from before keys named devices may be in force. */
  readonly untagged: boolean;
}
