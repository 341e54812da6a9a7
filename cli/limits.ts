// Writes docs/limits.md: what each operation costs, and how much there is of what. `bun cli/limits.ts` after a change of
// src/core/limits or src/operations. Not a command of the product.
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { amountText, budgetOf, budgets, type LimitName, rateText } from "../src/core/limits/budgets.ts";
import {
  arrivals,
  type Consequence,
  type Costs,
  costs,
  freeAnswer,
  type Share,
} from "../src/core/limits/costs.ts";
import { operations } from "../src/operations/list.ts";
import { topicOperations } from "../src/operations/topics/topic-operations.ts";
import { readConfig } from "../src/read-config.ts";

export const limitsPath = join(import.meta.dir, "../docs/limits.md");

const head = `# Limits

What every operation costs, at every door alike: REST and sockets draw on the same budgets. Written from
\`src/operations\` and \`src/core/limits\` by \`bun cli/limits.ts\`.

A refusal is \`rate_limited\`: over REST 429 with \`retry-after\` (whole seconds), over a channel an error reply, both with
\`retry_after_ms\` and a text that names what was counted and how much of it is allowed. It changed nothing. Refusals are counted
in \`whispr_rate_limited_total{limit}\`, where \`limit\` is the name of a budget.

Each budget allows a burst at once and refills evenly. What costs more than the burst is allowed once the whole burst is there.
Each is a setting, and 0 turns it off. A budget that refines another one is off where that one is, unless it is set itself: with
\`LIMIT_USER_MESSAGES_PER_MIN=0\`, no other limit stands in the way of messages.
`;

const perMessage = "450 kB for each of LIMIT_USER_MESSAGES_PER_MIN, 45 MB at least";

/** By which setting each budget is sized. */
const sizedBy: Readonly<Record<LimitName, string>> = {
  user_messages: "`LIMIT_USER_MESSAGES_PER_MIN`, `LIMIT_USER_MESSAGES_BURST`",
  user_operations: "`LIMIT_USER_OPS_PER_MIN`; refines `LIMIT_CONNECTION_OPS_PER_MIN`",
  user_typing: "twice `LIMIT_CONNECTION_OPS_PER_MIN`; off with `LIMIT_USER_OPS_PER_MIN`",
  user_marks: "five times `LIMIT_USER_OPS_PER_MIN`",
  user_handshakes: "`LIMIT_HANDSHAKES_PER_MIN_PER_USER`; refines `LIMIT_HANDSHAKES_PER_MIN_PER_IP`",
  user_joins: "`LIMIT_USER_JOINS_PER_MIN`; refines `LIMIT_CONNECTION_JOINS_PER_MIN`",
  user_frames: "`LIMIT_USER_FRAMES_PER_MIN`; refines `LIMIT_USER_MESSAGES_PER_MIN`",
  user_reads: "`LIMIT_USER_READ_KB_PER_MIN`; refines `LIMIT_CONNECTION_OPS_PER_MIN`",
  user_backlog: "`LIMIT_USER_READ_KB_PER_MIN`; beyond it the next page waits, and nothing is refused",
  user_members_added: "`LIMIT_USER_MEMBERS_ADDED_PER_MIN`; refines `LIMIT_USER_MESSAGES_PER_MIN`",
  pair_memberships: "`LIMIT_PAIR_MEMBERSHIPS_PER_HOUR`; refines `LIMIT_USER_MESSAGES_PER_MIN`",
  user_pushed: `\`LIMIT_USER_PUSHED_KB_PER_MIN\`; refines \`LIMIT_USER_MESSAGES_PER_MIN\` (${perMessage}); at once 0.8 of \`WHISPR_SEND_BUFFER\`, and what is more by itself is \`payload_too_large\` (413)`,
  user_delivered:
    "`LIMIT_USER_DELIVERED_MB_PER_MIN`; refines `LIMIT_USER_MESSAGES_PER_MIN` (2.56 MB for each, 256 MB at least)",
  conversation_messages: "`LIMIT_CONVERSATION_MESSAGES_PER_MIN`",
  connection_operations: "`LIMIT_CONNECTION_OPS_PER_MIN`",
  connection_typing: "`LIMIT_CONNECTION_OPS_PER_MIN`",
  connection_reads: "five times `LIMIT_CONNECTION_OPS_PER_MIN`",
  connection_joins: "`LIMIT_CONNECTION_JOINS_PER_MIN`",
  address_failures:
    "`LIMIT_HANDSHAKES_PER_MIN_PER_IP`; good tokens are not refused beyond it, only verified in turn",
  process_handshakes: "`LIMIT_HANDSHAKES_PER_SEC`; beyond it `overloaded` (503)",
};

const consequences: Readonly<Record<Consequence, readonly string[]>> = {
  group: ["1 `conversation_messages` in a group of more than 50 members"],
  pushed: ["its bytes on one socket `user_pushed`", "those × members `user_delivered`"],
  members: ["1 `user_members_added` for each person added"],
  pairs: ["1 `pair_memberships` with each person added"],
};

export function limitsDocument(): string {
  return [head, ...budgetTable(), "", ...operationTable(), "", tail].join("\n");
}

function budgetTable(): readonly string[] {
  const read = readConfig({
    environment: { JWT_JWKS_URL: "https://auth.example.com/jwks.json" },
    flags: {},
    purpose: "serve",
    isTerminal: false,
  });
  if (!read.ok) throw new Error(read.problems.join("\n"));
  const { limits } = read.config;
  const lines = (Object.keys(budgets) as LimitName[]).map((name) => {
    const { perMinute, burst } = limits[name];
    const size = perMinute === 0 ? "off | " : `${rateText(name, perMinute)} | ${amountText(name, burst)}`;
    return `| \`${name}\` | ${budgetOf(name).counts} | ${budgetOf(name).by} | ${size} | ${sizedBy[name]} |`;
  });
  return [
    "## Budgets",
    "",
    "| budget | counts | for each | by default | at once | setting |",
    "|---|---|---|---|---|---|",
    ...lines,
  ];
}

interface Row {
  readonly name: string;
  readonly doors: readonly string[];
  readonly costs: Costs;
}

const rows: readonly Row[] = [
  ...operations.map(({ name, costs, rest, channel }) => ({
    name,
    costs,
    doors: [
      ...rest.map(({ method, path }) => `\`${method} ${path}\``),
      ...new Set(channel.flatMap(({ events }) => events.map((event) => `\`${event}\``))),
    ],
  })),
  ...topicOperations.map(({ name, costs, event, topic }) => ({
    name,
    costs,
    doors: [`\`${event}\`${topic === null ? "" : ` of \`${topic}:<id>\``}`],
  })),
  { name: "unknown_event", costs: costs.ownChange, doors: ["any other event"] },
];

function operationTable(): readonly string[] {
  return [
    "## Operations",
    "",
    "`when decided` is counted only for what changes something. A send or an edit that changes nothing (a repeated one) counts as an",
    "operation of its connection and its user instead of a message.",
    "",
    "| operation | doors | class | when it arrives | when decided |",
    "|---|---|---|---|---|",
    ...rows.map(({ name, doors, costs }) => {
      const later = costs.decided.flatMap((each) => consequences[each]).join("; ");
      return `| \`${name}\` | ${doors.join(", ")} | ${costs.class} | ${arrivalText(costs)} | ${later} |`;
    }),
  ];
}

function arrivalText({ class: kind }: Costs): string {
  if (kind === "message") return `1 \`user_messages\`, ${shareText(["user_reads", 0])}`;
  const { connection, user } = arrivals[kind];
  const ofConnection = connection === null ? [] : [`1 \`${connection}\` (sockets)`];
  return [...ofConnection, ...user.map(shareText)].join(", ");
}

function shareText([limit, cost]: Share): string {
  if (cost === 0) return `the kB of its answer beyond what was sent and ${freeAnswer} \`${limit}\``;
  const isMeasured = limit === "user_reads";
  return isMeasured ? `the kB of its answer, ${cost} at least, \`${limit}\`` : `${cost} \`${limit}\``;
}

const tail = `## What else is bounded

| what | setting | beyond it |
|---|---|---|
| open sockets of one user | \`LIMIT_SOCKETS_PER_USER\` (100) | 429 at the handshake, whichever path or kind of token it comes by |
| reads and creations of one user that are under way or wait | \`LIMIT_USER_REQUESTS_AT_ONCE\` (300) | 429 |
| heartbeats and malformed frames of one socket | \`LIMIT_CONNECTION_HEARTBEATS_PER_MIN\` (1,000) | closed with 1013 |
| unread bytes of one socket | \`WHISPR_SEND_BUFFER\` (1 MiB) | closed; the device resumes |
| topics of one socket, and of all sockets of one user | 2,000, and 20,000 | \`too_many_topics\` |
| members of a group | 1,000 | 409 |

Bytes on one socket: a message goes to the topic of its conversation and to that of its user (2 frames), an edit or an attachment
under two names to both (4 frames). \`user_pushed\` keeps what one user sends within 60 % of a line of 10 Mbit/s, and within the send
buffer of a socket, so that no socket is closed for it.
`;

if (import.meta.main) {
  mkdirSync(dirname(limitsPath), { recursive: true });
  writeFileSync(limitsPath, limitsDocument());
}
