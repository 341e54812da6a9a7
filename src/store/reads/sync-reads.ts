import type { Changes, ChangesRequest, JoinRequest, SyncReads } from "../../core/ports/sync-reads.ts";
import type { JoinUser } from "../../core/queries.ts";
import type { ReadPool } from "../connections/database.ts";
import { readChanges } from "./changes-reads.ts";
import { readJoinFacts } from "./join-reads.ts";
import { ParsedMarks } from "./parsed-marks.ts";

/** Reads for devices that catch up. Each statement joins the viewer's present membership: former members are strangers. */
export class PostgresSyncReads implements SyncReads {
  readonly #reads: ReadPool;
  readonly #marks = new ParsedMarks();

  constructor(options: { readonly reads: ReadPool }) {
    this.#reads = options.reads;
  }

  joinFacts(
    conversations: readonly JoinRequest[],
    users: readonly Omit<JoinUser, "type">[],
  ): ReturnType<SyncReads["joinFacts"]> {
    return readJoinFacts(this.#reads, conversations, users, this.#marks);
  }

  changes(requests: readonly ChangesRequest[]): Promise<readonly Changes[]> {
    return readChanges(this.#reads, requests);
  }
}
