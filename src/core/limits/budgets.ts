/** The owner of a budget. Each user, pair, connection or address has a whole budget of its own. */
type KeptBy = "user" | "user and conversation" | "user and other user" | "connection" | "address" | "process";

/** One budget. Its size is a setting (`budget-sizes.ts`). */
interface Budget {
  readonly by: KeptBy;
  /** Names the counted things in refusals. */
  readonly counts: string;
  /** The unit of the count; absent: pieces. */
  readonly unit?: "bytes" | "kB";
  /** Refusals and documents state the rate of an hour, because that of a minute is below one. */
  readonly isHourly?: true;
  /** Refuses for good (`payload_too_large`) what costs more than the whole burst: later it would do the same harm. */
  readonly isAtOnce?: true;
}

/** Every budget there is. What an operation costs of which one is in `costs.ts`. */
export const budgets = {
  user_messages: { by: "user", counts: "messages of one user" },
  user_operations: { by: "user", counts: "operations of one user" },
  user_typing: { by: "user", counts: "typing signals of one user" },
  user_marks: { by: "user", counts: "read and delivery marks of one user" },
  user_handshakes: { by: "user", counts: "connections of one user" },
  user_joins: { by: "user", counts: "joins and leaves of one user" },
  user_frames: { by: "user", counts: "frames and KiB of request bodies of one user" },
  user_reads: { by: "user", counts: "answers to reads of one user", unit: "kB" },
  user_backlog: { by: "user", counts: "messages that devices of one user missed", unit: "kB" },
  user_members_added: { by: "user", counts: "people added to conversations by one user" },
  pair_memberships: {
    by: "user and other user",
    counts: "conversations that one user brought the same other user into",
    isHourly: true,
  },
  user_pushed: {
    by: "user",
    counts: "bytes that one user causes on each socket that listens",
    unit: "bytes",
    isAtOnce: true,
  },
  user_delivered: {
    by: "user",
    counts: "bytes that one user causes for all members together",
    unit: "bytes",
  },
  conversation_messages: {
    by: "user and conversation",
    counts: "messages of one user to one conversation with more than 50 members",
  },
  connection_operations: { by: "connection", counts: "operations on one connection" },
  connection_typing: { by: "connection", counts: "typing signals on one connection" },
  connection_reads: { by: "connection", counts: "read and delivery marks on one connection" },
  connection_joins: { by: "connection", counts: "joins and leaves on one connection" },
  address_failures: { by: "address", counts: "tokens from one address that no known key signed" },
  process_handshakes: { by: "process", counts: "connections to one server" },
} as const satisfies Readonly<Record<string, Budget>>;

export type LimitName = keyof typeof budgets;

export function budgetOf(limit: LimitName): Budget {
  return budgets[limit];
}

/** The rate of a budget in words: `100 a minute`, `45 MB a minute`, `30 an hour`. */
export function rateText(limit: LimitName, perMinute: number): string {
  const { isHourly } = budgetOf(limit);
  return isHourly
    ? `${amountText(limit, perMinute * 60)} an hour`
    : `${amountText(limit, perMinute)} a minute`;
}

/** An amount of what a budget counts. Bytes are decimal: 1 MB = 1,000,000. */
export function amountText(limit: LimitName, amount: number): string {
  const { unit } = budgetOf(limit);
  if (!unit) return String(rounded(amount));
  return bytesText(unit === "kB" ? amount * 1_000 : amount);
}

function bytesText(bytes: number): string {
  if (bytes >= 1_000_000) return `${rounded(bytes / 1_000_000)} MB`;
  return bytes >= 1_000 ? `${rounded(bytes / 1_000)} kB` : `${rounded(bytes)} bytes`;
}

function rounded(amount: number): number {
  return Number(amount.toPrecision(3));
}
