import type { Joins as EngineJoins } from "../engine/joins.ts";
import type { Queries as EngineQueries } from "../engine/queries.ts";
import type { Registry } from "../engine/registry.ts";

/** Where commands go. Answers exactly once, with what is durable. */
export type Commands = Pick<Registry, "submit">;
/** What a join of a conversation needs to know. */
export type Joins = Pick<EngineJoins, "ask">;
/** Reads for viewers and the creation of conversations. */
export type Queries = Pick<EngineQueries, "list" | "show" | "history" | "createDirect">;
