import type { Command } from "../commands.ts";
import type { AllowReadding } from "../conversations/allow-readding.ts";
import type { CreateConversation } from "../conversations/create.ts";
import type { MarkAsUnread, MarkMember } from "../messages/marks.ts";
import type { Query } from "../queries.ts";
import type { LimitName } from "./budgets.ts";

/** What only a socket does, and what is neither a command nor a query. */
export type SocketOperation =
  | "typing"
  | "update_status"
  | "leave_topic"
  /** An event that nothing answers to. */
  | "unknown_event";

/** Every operation, over REST or a socket. */
export type Operation =
  | (Command | CreateConversation | MarkMember | MarkAsUnread | AllowReadding | Query)["type"]
  | SocketOperation;

/**
 * What an operation is counted as when it arrives. `message`: as a message of its user, or as an operation when the decision shows that
 * nothing new comes of it. `server`: the server does it by itself.
 */
export type OperationClass =
  | "message"
  | "operation"
  | "status"
  | "typing"
  | "mark"
  | "read"
  | "join"
  | "leave"
  | "server";

/** So much of a budget. */
export type Share = readonly [limit: LimitName, cost: number];

interface Arrival {
  /** Counted for the socket that it came over; null: for none, and never for REST. */
  readonly connection: LimitName | null;
  /** Counted for the user, at all doors together. */
  readonly user: readonly Share[];
  /** The part of the greatest lateness of the event loop from which on it is refused: what can be missed goes first. Null: never. */
  readonly shedAt: number | null;
}

/** A read costs as much as an answer of so many kB, and more when its answer is larger. */
export const leastRead = 8;
/** A join likewise. The existing client joins each of its conversations twice. */
export const leastJoin = 1;
/** The kB that the answer to a change may have beyond what was sent with it. More counts as read: a name is answered with all of a group. */
export const freeAnswer = 8;

export const arrivals: Readonly<Record<OperationClass, Arrival>> = {
  // Whether it is one shows when it is decided: see `Charge`.
  message: { connection: null, user: [], shedAt: 1 },
  operation: {
    connection: "connection_operations",
    user: [
      ["user_operations", 1],
      // Only asked whether anything is left: `freeAnswer`.
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
  // It makes room, and a client that is refused it believes that it left: counted, and never refused.
  leave: { connection: "connection_joins", user: [["user_joins", 1]], shedAt: null },
  server: { connection: null, user: [], shedAt: null },
};

/**
 * What an operation costs when it is decided, in addition to its arrival. Not counted for a decision that changes nothing.
 * `group`: one message of the user into this conversation, if it has more than 50 members.
 * `pushed`: the bytes of its events for one socket, and for all members together.
 * `members`: the people whom it brings in.
 * `pairs`: one for each of them, of what this user may bring the same other user into. Two users have one direct conversation at most.
 */
export type Consequence = "group" | "pushed" | "members" | "pairs";

export interface Costs {
  readonly class: OperationClass;
  readonly decided: readonly Consequence[];
}

const told: readonly Consequence[] = ["group", "pushed"];
const nothing: readonly Consequence[] = [];
const read: Costs = { class: "read", decided: nothing };
const change: Costs = { class: "operation", decided: told };

/** What each operation costs: one row per command, query and event, so that the type checker proves that none is forgotten. */
export const operations: Readonly<Record<Operation, Costs>> = {
  send_message: { class: "message", decided: told },
  edit_message: { class: "message", decided: told },
  delete_message: change,
  attach_media: change,
  add_reaction: change,
  remove_reaction: change,
  // Clients add a class of people one by one: what that costs is counted in people and bytes.
  add_members: { class: "operation", decided: ["pushed", "members", "pairs"] },
  remove_member: change,
  leave_conversation: change,
  change_role: change,
  update_conversation: change,
  create_direct: { class: "operation", decided: ["members"] },
  create_group: { class: "operation", decided: ["members", "pairs"] },
  accept_conversation: change,
  decline_conversation: change,
  allow_readding: { class: "operation", decided: nothing },
  // Counted as the creation that it comes from.
  return_to_direct: { class: "operation", decided: ["members"] },
  apply_blocks: { class: "server", decided: nothing },
  mark: { class: "mark", decided: nothing },
  mark_unread: { class: "mark", decided: nothing },
  typing: { class: "typing", decided: nothing },
  update_status: { class: "status", decided: nothing },
  list_conversations: read,
  show_conversation: read,
  list_members: read,
  read_history: read,
  show_message: read,
  show_delivery_status: read,
  read_changes: read,
  join_conversation: { class: "join", decided: nothing },
  join_user: { class: "join", decided: nothing },
  leave_topic: { class: "leave", decided: nothing },
  unknown_event: { class: "operation", decided: nothing },
};
