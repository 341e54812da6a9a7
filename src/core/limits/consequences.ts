import type { Event } from "../events.ts";
import type { LimitName } from "./budgets.ts";
import type { Consequence } from "./costs.ts";
import { pushedBytes } from "./pushed-bytes.ts";

/** An amount of the budget of one key. */
export interface Item {
  readonly limit: LimitName;
  readonly key: string;
  readonly cost: number;
}

/** The effects of an operation that cost something. */
export interface Consequences {
  readonly conversationId: string;
  /** The number of members before the operation. */
  readonly members: number;
  readonly events: readonly Event[];
  /** The people whom it brings in. */
  readonly added: () => readonly string[];
}

/** A conversation of more members than these is held to a limit of its own. */
const largeFrom = 50;

/** Returns what an operation costs its user once it is decided. `countsBytes`: false where no limit counts them, because adding them up costs. */
export function costOfConsequences(
  decided: readonly Consequence[],
  userId: string,
  what: Consequences,
  countsBytes: boolean,
): readonly Item[] {
  const items: Item[] = [];
  for (const each of decided) if (countsBytes || each !== "pushed") addTo(items, each, userId, what);
  return items;
}

/** On the way of every message: adds to one array. */
function addTo(items: Item[], consequence: Consequence, userId: string, what: Consequences): void {
  const { conversationId, members, events } = what;
  switch (consequence) {
    case "group":
      if (members > largeFrom)
        items.push({ limit: "conversation_messages", key: `${conversationId} ${userId}`, cost: 1 });
      return;
    case "pushed": {
      const bytes = pushedBytes(events);
      items.push({ limit: "user_pushed", key: userId, cost: bytes });
      items.push({ limit: "user_delivered", key: userId, cost: bytes * members });
      return;
    }
    case "members": {
      const { length: cost } = what.added();
      if (cost > 0) items.push({ limit: "user_members_added", key: userId, cost });
      return;
    }
    case "pairs":
      for (const other of what.added())
        items.push({ limit: "pair_memberships", key: `${userId} ${other}`, cost: 1 });
  }
}

export function addedBy(events: readonly Event[]): readonly string[] {
  return events.flatMap((event) => (event.type === "member_added" ? [event.member.userId] : []));
}
