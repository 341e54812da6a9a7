import type { CreateConversation } from "../conversations/create.ts";
import type { LimitName } from "./budgets.ts";

/**
 * How an operation is counted when it arrives. `message`: as a message of its user, or as an operation when the decision shows that it
 * changes nothing.
 */
export type CostClass = "message" | "operation" | "status" | "typing" | "mark" | "read" | "join" | "leave";

/** An amount of a budget. */
export type Share = readonly [limit: LimitName, cost: number];

interface Arrival {
  /** Counted for the socket that the operation came over; null: for none, and never for REST. */
  readonly connection: LimitName | null;
  /** Counted for the user, at all doors together. */
  readonly user: readonly Share[];
  /** The operation is refused when the event loop lag exceeds this fraction of its maximum. Null: it is never refused. */
  readonly shedAt: number | null;
}

/** The minimum cost of a read, in kB of its answer. */
export const leastRead = 8;
/** The minimum cost of a join, in kB of its answer. The existing client joins each of its conversations twice. */
export const leastJoin = 1;
/**
 * The answer to a change is free up to this many kB beyond what the client sent. More than this is charged as a read. Example: renaming a
 * group returns the whole group.
 */
export const freeAnswer = 8;

export const arrivals: Readonly<Record<CostClass, Arrival>> = {
  // The decision shows whether it is a new message: see `Charge`.
  message: { connection: null, user: [], shedAt: 1 },
  operation: {
    connection: "connection_operations",
    user: [
      ["user_operations", 1],
      // Only asks whether anything is left: `freeAnswer`.
      ["user_reads", 0],
    ],
    shedAt: 1,
  },
  status: { connection: "connection_operations", user: [["user_operations", 1]], shedAt: 0.5 },
  typing: { connection: "connection_typing", user: [["user_typing", 1]], shedAt: 0.5 },
  mark: { connection: "connection_reads", user: [["user_marks", 1]], shedAt: 1 },
  read: { connection: null, user: [["user_reads", leastRead]], shedAt: null },
  join: {
    connection: "connection_joins",
    user: [
      ["user_joins", 1],
      ["user_reads", leastJoin],
    ],
    shedAt: 1,
  },
  // A leave makes room, and a client that is refused one believes that it left: counted, and never refused.
  leave: { connection: "connection_joins", user: [["user_joins", 1]], shedAt: null },
};

/**
 * What an operation costs when it is decided, in addition to its arrival. Not counted for a decision that changes nothing.
 * `group`: one message of the user into this conversation, if it has more than 50 members.
 * `pushed`: the bytes of its events for one socket, and for all members together.
 * `members`: the people whom it brings in.
 * `pairs`: one for each of them, of what this user may bring the same other user into. Two users have one direct conversation at most.
 */
export type Consequence = "group" | "pushed" | "members" | "pairs";

/** The cost of an operation for its user. */
export interface Costs {
  readonly class: CostClass;
  readonly decided: readonly Consequence[];
}

const nothing: readonly Consequence[] = [];
const published: readonly Consequence[] = ["group", "pushed"];

/** Every operation has one of these costs. */
export const costs = {
  message: { class: "message", decided: published },
  change: { class: "operation", decided: published },
  /** Changes nothing that others see. */
  ownChange: { class: "operation", decided: nothing },
  // Clients add a class of people one by one: what that costs is counted in people and bytes.
  addition: { class: "operation", decided: ["pushed", "members", "pairs"] },
  creation: { class: "operation", decided: ["members", "pairs"] },
  mark: { class: "mark", decided: nothing },
  typing: { class: "typing", decided: nothing },
  status: { class: "status", decided: nothing },
  read: { class: "read", decided: nothing },
  join: { class: "join", decided: nothing },
  leave: { class: "leave", decided: nothing },
} as const satisfies Readonly<Record<string, Costs>>;

/** The costs of the creation of a conversation, by its type. */
export const creationCosts: Readonly<Record<CreateConversation["type"], readonly Consequence[]>> = {
  create_direct: ["members"],
  create_group: costs.creation.decided,
};
