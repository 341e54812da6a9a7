import { arrivals, type Costs, costs } from "../../src/core/limits/costs.ts";
import { operations as list } from "../../src/operations/list.ts";

/** What is no route and no event of a channel, and what it is counted as; empty: by nothing of `core/limits/costs.ts`. A new kind of input needs a line here. */
const others: Readonly<Record<string, readonly Costs[]>> = {
  handshake: [],
  "join of a conversation": [costs.join],
  "join of a user": [costs.join],
  leave: [costs.leave, costs.join],
  heartbeat: [],
  "malformed frame": [],
  "oversized frame": [],
  "unknown event": [costs.ownChange],
  "unknown topic": [costs.join],
  "refused request": [],
  presence: [],
};

/** Everything that a client can ask for, and what it is counted as: a loop over the list of operations. */
export const operations: ReadonlyMap<string, readonly Costs[]> = new Map<string, readonly Costs[]>([
  ...list.flatMap(({ rest, costs }) =>
    rest.map(({ method, path }) => [`${method} ${path}`, [costs]] as const),
  ),
  ...list.flatMap(({ channel, costs }) =>
    channel.flatMap(({ topic, events }) => events.map((event) => [`${topic}: ${event}`, [costs]] as const)),
  ),
  ...Object.entries(others),
]);

/** Whether the bytes that others receive are counted by their number, so that no small input brings more of them than the budget holds. */
export function countsPushedBytes(operation: string): boolean {
  return countedAs(operation).some(({ decided }) => decided.includes("pushed"));
}

/** Whether the bytes of the answer are. */
export function countsAnsweredBytes(operation: string): boolean {
  return budgetsOf(operation).includes("user_reads");
}

/** The budgets that an operation draws on. */
export function budgetsOf(operation: string): readonly string[] {
  const budgets = countedAs(operation).flatMap(({ class: kind, decided }) => {
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

function countedAs(operation: string): readonly Costs[] {
  return operations.get(operation) ?? [];
}
