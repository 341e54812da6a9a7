import type { HeadMove, Rows } from "./append-batch.ts";
import { changedColumns, changedCte, changedWidth } from "./append-changed.ts";
import { conversationColumns, conversationsCte, conversationsWidth } from "./append-conversations.ts";
import { markColumns, markedColumn, marksCtes, marksWidth } from "./append-marks.ts";
import { memberColumns, membersCte, membersWidth } from "./append-members.ts";
import {
  messageColumns,
  messagesWidth,
  relationColumns,
  releasedColumns,
  releasedCte,
  releasedWidth,
  storedCte,
} from "./append-messages.ts";
import { rowsOf, widthOf } from "./append-part.ts";
import { reactionColumns, reactionCtes, reactionsWidth } from "./append-reactions.ts";
import { int2Array, int8Array, timestamptzArray, uuidArray } from "./binary-array.ts";
import { hasRelations } from "./message-rows.ts";

/** What a batch has besides messages. The statement is made of the parts that are there: messages alone pay for nothing else. */
interface Parts {
  readonly released: boolean;
  readonly changed: boolean;
  readonly members: boolean;
  readonly conversations: boolean;
  readonly marks: boolean;
  readonly relations: boolean;
  readonly reactions: boolean;
}

interface Statement {
  readonly name: string;
  readonly text: string;
}

export interface AppendQuery extends Statement {
  readonly values: (Buffer | string)[];
}

/** The parameters in the order of the statement's parts. */
export function queryOf(rows: Rows, atUs: number, epochOf: (shard: number) => number): AppendQuery {
  const parts: Parts = {
    released: rows.released.length > 0,
    changed: rows.changed.length > 0,
    members: rows.members.length > 0,
    conversations: rows.conversations.length > 0,
    marks: rows.marks.length > 0,
    relations: rows.sent.some(hasRelations),
    reactions: rows.reactions.length > 0,
  };
  const values: (Buffer | string)[] = [
    int2Array(rows.shards),
    int8Array(rows.shards.map(epochOf)),
    ...headColumns(rows.heads, parts.members),
    ...messageColumns(rows.sent),
  ];
  if (parts.relations) values.push(...relationColumns(rows.sent));
  if (parts.released) values.push(...releasedColumns(rows.released));
  if (parts.changed) values.push(...changedColumns(rows.changed));
  if (parts.members) values.push(...memberColumns(rows.members));
  if (parts.conversations) values.push(...conversationColumns(rows.conversations));
  if (parts.marks) values.push(...markColumns(rows.marks, atUs));
  if (parts.reactions) values.push(...reactionColumns(rows.reactions));
  return { ...statementOf(parts), values };
}

const bits: Readonly<Record<keyof Parts, number>> = {
  released: 1,
  changed: 2,
  members: 4,
  conversations: 8,
  marks: 16,
  relations: 32,
  reactions: 64,
};
const partNames = Object.keys(bits) as (keyof Parts)[];
const statements: Statement[] = [];

function statementOf(parts: Parts): Statement {
  let index = 0;
  for (const name of partNames) if (parts[name]) index |= bits[name];
  const statement = statements[index] ?? { name: nameOf(parts), text: textOf(parts) };
  statements[index] = statement;
  return statement;
}

/** PostgreSQL knows a name by its first 63 characters, and these differ in their first four. */
function nameOf(parts: Parts): string {
  return ["append", ...partNames.filter((part) => parts[part]).map((part) => part.slice(0, 4))].join("-");
}

const fenceShape = { shard: "int2", epoch: "int8" } as const;
const headShape = {
  id: "uuid",
  prev_rev: "int8",
  rev: "int8",
  seq: "int8",
  last_message_at: "timestamptz",
} as const;

const headWithMembersShape = { ...headShape, members_rev: "int8" } as const;

/**
 * Fence, then heads, then everything that has a rev joins the heads that moved: the order that was proved against all interleavings
 * with take-overs (one statement, READ COMMITTED). The fence never looks at a clock. Marks have no rev: the fence alone decides.
 */
function textOf(parts: Parts): string {
  let next = 1;
  const take = (width: number) => {
    next += width;
    return next - width;
  };
  const fence = fenceCte(take(widthOf(fenceShape)));
  const firstHead = take(widthOf(parts.members ? headWithMembersShape : headShape));
  const stored = storedCte(take(messagesWidth(parts)), parts);
  const released = parts.released ? releasedCte(take(releasedWidth)) : null;
  const changed = parts.changed ? changedCte(take(changedWidth)) : null;
  const members = parts.members ? membersCte(take(membersWidth)) : null;
  const conversations = parts.conversations ? conversationsCte(take(conversationsWidth)) : null;
  const marks = parts.marks ? marksCtes(take(marksWidth), isHeld) : null;
  const reactions = parts.reactions ? reactionCtes(take(reactionsWidth)) : null;
  const heads = headsCte(firstHead, parts.members);
  const ctes = [fence, heads, released, changed, stored, members, conversations, marks, reactions];
  return `with ${ctes.filter((cte) => cte !== null).join(",")}
select
  case when ${isHeld} then null
    else (select coalesce(array_agg(shard), '{}') from fence) end as held,
  case when (select count(*) from heads) = cardinality($${firstHead}::uuid[]) then null
    else (select coalesce(array_agg(conversation_id::text), '{}') from heads) end as moved${parts.marks ? `,\n  ${markedColumn} as marked` : ""}`;
}

/** The fence has all shards of the batch. */
const isHeld = "(select count(*) from fence) = cardinality($1::int2[])";

function fenceCte(first: number): string {
  return `
fence as materialized (
  select o.shard from conversation_ownership o
  join ${rowsOf(first, "h", fenceShape)} on o.shard = h.shard and o.epoch = h.epoch
  order by o.shard for key share of o skip locked
)`;
}

/** A head that gets no message keeps its seq and time. */
function headsCte(first: number, members: boolean): string {
  return `
heads as (
  update conversation_heads h set seq = coalesce(u.seq, h.seq), rev = u.rev,
    last_message_at = coalesce(u.last_message_at, h.last_message_at)${members ? ",\n    members_rev = coalesce(u.members_rev, h.members_rev)" : ""}
  from ${rowsOf(first, "u", members ? headWithMembersShape : headShape)}
  where h.conversation_id = u.id and h.rev = u.prev_rev and ${isHeld}
  returning h.conversation_id, h.seq
)`;
}

function headColumns(heads: readonly HeadMove[], members: boolean): Buffer[] {
  const last = heads.map((head) => head.sent.at(-1) ?? null);
  const columns = [
    uuidArray(heads.map((head) => head.conversationId)),
    int8Array(heads.map((head) => head.prevRev)),
    int8Array(heads.map((head) => head.rev)),
    int8Array(last.map((message) => message?.seq ?? null)),
    timestamptzArray(last.map((message) => message?.sentAtUs ?? null)),
  ];
  if (members) columns.push(int8Array(heads.map((head) => head.membersRev)));
  return columns;
}
