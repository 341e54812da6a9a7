import { hasRelations } from "../reads/message-rows.ts";
import type { HeadMove, Rows } from "./batch.ts";
import { int2Array, int8Array, timestamptzArray, uuidArray } from "./binary-array.ts";
import { changedColumns, changedCte, changedWidth } from "./changed.ts";
import { conversationColumns, conversationsCte, conversationsWidth } from "./conversations.ts";
import { markColumns, markedColumn, marksCtes, marksWidth } from "./marks.ts";
import { memberColumns, membersCte, membersWidth } from "./members.ts";
import {
  messageColumns,
  messagesWidth,
  relationColumns,
  releasedColumns,
  releasedCte,
  releasedWidth,
  storedCte,
} from "./messages.ts";
import { rowsOf, widthOf } from "./part.ts";
import { reactionColumns, reactionCtes, reactionsWidth } from "./reactions.ts";

/**
 * What a batch has besides messages. Messages alone pay for nothing else; what many batches have costs only those. Whatever is rare comes
 * together, for most of it with no rows: each combination more is a statement that has to be planned, over all partitions.
 */
interface Parts {
  /** Older messages that change or give their key away, members, conversations, reactions. */
  readonly rare: boolean;
  readonly relations: boolean;
  readonly marks: boolean;
  /** Keys from before devices counted may be in force. */
  readonly untagged: boolean;
}

interface Statement {
  readonly name: string;
  readonly text: string;
}

export interface AppendQuery extends Statement {
  readonly values: (Buffer | string)[];
}

interface Given {
  readonly atUs: number;
  readonly epochOf: (shard: number) => number;
  /** Until then a key may be in force that names no device. */
  readonly untaggedUntilUs: number;
}

/** The parameters in the order of the statement's parts. */
export function queryOf(rows: Rows, given: Given): AppendQuery {
  const { atUs, epochOf, untaggedUntilUs } = given;
  const parts: Parts = {
    rare: rareRows.some((name) => rows[name].length > 0),
    relations: rows.sent.some(hasRelations),
    marks: rows.marks.length > 0,
    untagged: atUs < untaggedUntilUs,
  };
  const values: (Buffer | string)[] = [
    int2Array(rows.shards),
    int8Array(rows.shards.map(epochOf)),
    ...headColumns(rows.heads, parts),
    ...messageColumns(rows.sent),
  ];
  if (parts.relations) values.push(...relationColumns(rows.sent));
  if (parts.rare) values.push(...rareColumns(rows));
  if (parts.marks) values.push(...markColumns(rows.marks, atUs));
  return { ...statementOf(parts), values };
}

const rareRows = ["released", "changed", "members", "conversations", "reactions"] as const;

function rareColumns(rows: Rows): Buffer[] {
  return [
    ...releasedColumns(rows.released),
    ...changedColumns(rows.changed),
    ...memberColumns(rows.members),
    ...conversationColumns(rows.conversations),
    ...reactionColumns(rows.reactions),
  ];
}

const statements: Statement[] = [];

function statementOf(parts: Parts): Statement {
  const index =
    (parts.rare ? 1 : 0) | (parts.relations ? 2 : 0) | (parts.marks ? 4 : 0) | (parts.untagged ? 8 : 0);
  statements[index] ??= { name: nameOf(parts), text: textOf(parts) };
  return statements[index];
}

function nameOf(parts: Parts): string {
  const names = (Object.keys(parts) as (keyof Parts)[]).filter((part) => parts[part]);
  return ["append", ...names].join("-");
}

const fenceShape = { shard: "int2", epoch: "int8" } as const;
const headShape = {
  id: "uuid",
  prev_rev: "int8",
  rev: "int8",
  seq: "int8",
  last_message_at: "timestamptz",
} as const;

const rareHeadShape = { ...headShape, members_rev: "int8" } as const;

function headShapeOf({ rare }: Parts): typeof headShape | typeof rareHeadShape {
  return rare ? rareHeadShape : headShape;
}

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
  const firstHead = take(widthOf(headShapeOf(parts)));
  const stored = storedCte(take(messagesWidth(parts)), parts);
  const rare = parts.rare ? rareCtes(take) : [];
  const marks = parts.marks ? [marksCtes(take(marksWidth), isHeld)] : [];
  const ctes = [fence, headsCte(firstHead, parts), ...rare, stored, ...marks];
  return `with ${ctes.join(",")}
select
  case when ${isHeld} then null
    else (select coalesce(array_agg(shard), '{}') from fence) end as held,
  case when (select count(*) from heads) = cardinality($${firstHead}::uuid[]) then null
    else (select coalesce(array_agg(conversation_id::text), '{}') from heads) end as moved${parts.marks ? `,\n  ${markedColumn} as marked` : ""}`;
}

function rareCtes(take: (width: number) => number): string[] {
  return [
    releasedCte(take(releasedWidth)),
    changedCte(take(changedWidth)),
    membersCte(take(membersWidth)),
    conversationsCte(take(conversationsWidth)),
    reactionCtes(take(reactionsWidth)),
  ];
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
function headsCte(first: number, parts: Parts): string {
  return `
heads as (
  update conversation_heads h set seq = coalesce(u.seq, h.seq), rev = u.rev,
    last_message_at = coalesce(u.last_message_at, h.last_message_at)${parts.rare ? ",\n    members_rev = coalesce(u.members_rev, h.members_rev)" : ""}
  from ${rowsOf(first, "u", headShapeOf(parts))}
  where h.conversation_id = u.id and h.rev = u.prev_rev and ${isHeld}
  returning h.conversation_id, h.seq
)`;
}

function headColumns(heads: readonly HeadMove[], { rare }: Parts): Buffer[] {
  const last = heads.map((head) => head.sent.at(-1) ?? null);
  const columns = [
    uuidArray(heads.map((head) => head.conversationId)),
    int8Array(heads.map((head) => head.prevRev)),
    int8Array(heads.map((head) => head.rev)),
    int8Array(last.map((message) => message?.seq ?? null)),
    timestamptzArray(last.map((message) => message?.sentAtUs ?? null)),
  ];
  if (rare) columns.push(int8Array(heads.map((head) => head.membersRev)));
  return columns;
}
