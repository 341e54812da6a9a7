import { hasRelations, relationsText } from "../reads/message-rows.ts";
import type { ChangedMessage } from "./batch.ts";
import { boolArray, byteaArray, int8Array, timestamptzArray, uuidArray } from "./binary-array.ts";
import { rowsOf, widthOf } from "./part.ts";

const shape = {
  conversation_id: "uuid",
  seq: "int8",
  rev: "int8",
  content: "bytea",
  metadata: "bytea",
  edited_at: "timestamptz",
  deleted_at: "timestamptz",
  edits: "int8",
  holds_key: "bool",
  relations: "bytea",
  changed_by: "uuid",
} as const;

export const changedWidth = widthOf(shape);

/**
 * Stored messages that changed. Null content, metadata and relations stay as they are: who reacts does not write again what somebody wrote.
 * Empty relations are none. One that also gives its key away does so here.
 */
export function changedCte(first: number): string {
  return `
changed as (
  update messages m set rev = u.rev, changed_by = u.changed_by,
    content = coalesce(u.content, m.content), metadata = coalesce(u.metadata, m.metadata),
    relations = nullif(coalesce(u.relations, m.relations), ''),
    edited_at = u.edited_at, deleted_at = u.deleted_at,
    edit_count = m.edit_count + u.edits, dedup_key = case when u.holds_key then m.dedup_key end
  from ${rowsOf(first, "u", shape)} join heads on heads.conversation_id = u.conversation_id
  where m.conversation_id = u.conversation_id and m.seq = u.seq
  returning 1
)`;
}

export function changedColumns(changed: readonly ChangedMessage[]): Buffer[] {
  return [
    uuidArray(changed.map(({ message }) => message.conversationId)),
    int8Array(changed.map(({ message }) => message.seq)),
    int8Array(changed.map(({ message }) => message.rev)),
    byteaArray(changed.map(({ message, isRewritten }) => (isRewritten ? message.content : null))),
    byteaArray(changed.map(({ message, isRewritten }) => (isRewritten ? message.metadata : null))),
    timestamptzArray(changed.map(({ message }) => message.editedAtUs)),
    timestamptzArray(changed.map(({ message }) => message.deletedAtUs)),
    int8Array(changed.map(({ edits }) => edits)),
    boolArray(changed.map(({ holdsKey }) => holdsKey)),
    byteaArray(changed.map(relationsIn)),
    uuidArray(changed.map(({ changeId }) => changeId)),
  ];
}

function relationsIn({ message, hasOtherRelations }: ChangedMessage): string | null {
  if (!hasOtherRelations) return null;
  return hasRelations(message) ? relationsText(message) : "";
}
