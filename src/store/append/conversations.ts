import type { ChangedConversation } from "./batch.ts";
import { boolArray, byteaArray, int8Array, timestamptzArray, uuidArray } from "./binary-array.ts";
import { rowsOf, widthOf } from "./part.ts";

const shape = {
  conversation_id: "uuid",
  rev: "int8",
  updated_at: "timestamptz",
  metadata: "bytea",
  is_active: "bool",
} as const;

export const conversationsWidth = widthOf(shape);

/** Conversations that became others than they were. */
export function conversationsCte(first: number): string {
  return `
settings as (
  update conversations c set rev = u.rev, updated_at = u.updated_at, metadata = coalesce(nullif(u.metadata, ''), c.metadata),
    is_active = u.is_active
  from ${rowsOf(first, "u", shape)} join heads on heads.conversation_id = u.conversation_id
  where c.id = u.conversation_id
)`;
}

export function conversationColumns(changed: readonly ChangedConversation[]): Buffer[] {
  return [
    uuidArray(changed.map(({ conversationId }) => conversationId)),
    int8Array(changed.map(({ rev }) => rev)),
    timestamptzArray(changed.map(({ atUs }) => atUs)),
    byteaArray(changed.map(({ metadata }) => metadata)),
    boolArray(changed.map(({ isActive }) => isActive)),
  ];
}
