import type { HeadMove } from "./batch.ts";
import { encode, int8, rowsFrom, timestamptz, uuid } from "./column.ts";
import type { Variant } from "./variant.ts";

const plain = {
  id: uuid((head: HeadMove) => head.conversationId),
  prev_rev: int8((head: HeadMove) => head.prevRev),
  rev: int8((head: HeadMove) => head.rev),
  seq: int8(({ sent }: HeadMove) => sent.at(-1)?.seq ?? null),
  last_message_at: timestamptz(({ sent }: HeadMove) => sent.at(-1)?.sentAtUs ?? null),
};

const plainAndMembers = { ...plain, members_rev: int8((head: HeadMove) => head.membersRev) };

export function headColumns(variant: Variant): typeof plain {
  return variant.tables ? plainAndMembers : plain;
}

/** Moves heads by compare-and-set. A head that gets no message keeps its seq and time. */
export function headsSql(first: number, variant: Variant, isHeld: string): string {
  return `
heads as (
  update conversation_heads h set seq = coalesce(u.seq, h.seq), rev = u.rev,
    last_message_at = coalesce(u.last_message_at, h.last_message_at)${variant.tables ? ",\n    members_rev = coalesce(u.members_rev, h.members_rev)" : ""}
  from ${rowsFrom(first, "u", headColumns(variant))}
  where h.conversation_id = u.id and h.rev = u.prev_rev and ${isHeld}
  returning h.conversation_id, h.seq
)`;
}

export function headParameters(heads: readonly HeadMove[], variant: Variant): Buffer[] {
  return encode(headColumns(variant), heads);
}
