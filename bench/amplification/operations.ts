import {
  arrivals,
  type Operation as CountedAs,
  operations as costs,
} from "../../src/core/limits/operations.ts";
import { conversationEvents } from "../../src/web/channels/conversation-events.ts";
import { type EventName, eventOperations } from "../../src/web/channels/event-operations.ts";
import { userEvents } from "../../src/web/channels/user-events.ts";
import { apiRoutes } from "../../src/web/controllers/routes.ts";

/** What is no route and no event of a channel, and what it is counted as; empty: by nothing of `core/limits/operations.ts`. A new kind of input needs a line here. */
const others: Readonly<Record<string, readonly CountedAs[]>> = {
  handshake: [],
  "join of a conversation": ["join_conversation"],
  "join of a user": ["join_user"],
  leave: ["leave_topic", "join_conversation"],
  heartbeat: [],
  "malformed frame": [],
  "oversized frame": [],
  "unknown event": ["unknown_event"],
  "unknown topic": ["join_conversation"],
  "refused request": [],
  presence: [],
};

/** Everything that a client can ask for, and what it is counted as, from the code: the tables of routes and events are made without what they use. */
export const operations: ReadonlyMap<string, readonly CountedAs[]> = new Map<string, readonly CountedAs[]>([
  ...apiRoutes({} as never).map((route) => [`${route.method} ${route.path}`, route.operations] as const),
  ...conversationEvents({} as never).names.map((name) => [`conversation: ${name}`, [ofEvent(name)]] as const),
  ...userEvents({} as never).names.map((name) => [`user: ${name}`, [ofEvent(name)]] as const),
  ...Object.entries(others),
]);

/** The operations of the cost table that nothing here asks for. */
export function unmeasured(): readonly string[] {
  const measured = new Set([...operations.values()].flat());
  const all = Object.entries(costs).filter(([, { class: kind }]) => kind !== "server");
  return all.map(([name]) => name).filter((name) => !measured.has(name as CountedAs));
}

/** Whether the bytes that others receive are counted by their number, so that no small input brings more of them than the budget holds. */
export function countsPushedBytes(operation: string): boolean {
  return countedAs(operation).some((each) => costs[each].decided.includes("pushed"));
}

/** Whether the bytes of the answer are. */
export function countsAnsweredBytes(operation: string): boolean {
  return budgetsOf(operation).includes("user_reads");
}

/** The budgets that an operation draws on. */
export function budgetsOf(operation: string): readonly string[] {
  const budgets = countedAs(operation).flatMap((each) => {
    const { class: kind, decided } = costs[each];
    const { connection, user } = arrivals[kind];
    const message = kind === "message" ? ["user_messages", "user_reads"] : [];
    return [
      connection ?? [],
      ...user.map(([name]) => name),
      ...message,
      ...decided.flatMap((one) => budgetsOfDecision[one]),
    ].flat();
  });
  return [...new Set(budgets)];
}

const budgetsOfDecision = {
  group: ["conversation_messages"],
  pushed: ["user_pushed", "user_delivered"],
  members: ["user_members_added"],
  pairs: ["pair_memberships"],
} as const;

function countedAs(operation: string): readonly CountedAs[] {
  return operations.get(operation) ?? [];
}

function ofEvent(name: string): CountedAs {
  return eventOperations[name as EventName];
}
