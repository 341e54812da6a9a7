import type { Event } from "../../core/events.ts";
import type { Message, MessageChanged, ReactionChanged } from "../../core/messages/message.ts";
import type { MessagePlace } from "../../core/ports/actor-reads.ts";
import { hasRelations, relationsText } from "../reads/message-rows.ts";
import { bool, bytea, encode, int8, timestamptz, uuid } from "./column.ts";
import { placeKey } from "./place-key.ts";
import type { Table, TableRows } from "./table.ts";

/** A message as the batch leaves it. */
interface ChangedMessage {
  readonly message: Message;
  /** The command that changed it last. */
  readonly changeId: string;
  /** How many of the batch's changes were edits. */
  readonly edits: number;
  /** Its content or metadata changed. */
  readonly isRewritten: boolean;
  /** Media were attached to it, or erased when it was deleted. */
  readonly hasOtherRelations: boolean;
  /** False: a newer message takes its key. */
  holdsKey: boolean;
}

const released = {
  conversation_id: uuid((place: MessagePlace) => place.conversationId),
  seq: int8((place: MessagePlace) => place.seq),
};

const changed = {
  conversation_id: uuid(({ message }: ChangedMessage) => message.conversationId),
  seq: int8(({ message }: ChangedMessage) => message.seq),
  rev: int8(({ message }: ChangedMessage) => message.rev),
  content: bytea(({ message, isRewritten }: ChangedMessage) => (isRewritten ? message.content : null)),
  metadata: bytea(({ message, isRewritten }: ChangedMessage) => (isRewritten ? message.metadata : null)),
  edited_at: timestamptz(({ message }: ChangedMessage) => message.editedAtUs),
  deleted_at: timestamptz(({ message }: ChangedMessage) => message.deletedAtUs),
  edits: int8(({ edits }: ChangedMessage) => edits),
  holds_key: bool(({ holdsKey }: ChangedMessage) => holdsKey),
  relations: bytea(relationsIn),
  changed_by: uuid(({ changeId }: ChangedMessage) => changeId),
};

/** Empty: the message has none any more. Null: they are unchanged. */
function relationsIn({ message, hasOtherRelations }: ChangedMessage): string | null {
  if (!hasOtherRelations) return null;
  return hasRelations(message) ? relationsText(message) : "";
}

/**
 * Updates messages that earlier batches stored: `released` ones lose their key to a new message, `changed` ones were edited, deleted or
 * reacted to. A message that is both is in `changed` alone. Null content, metadata and relations leave the stored ones untouched, so that a
 * reaction does not write the content again.
 */
export const storedMessages: Table<"r" | "u"> = {
  inputs: { r: released, u: changed },
  sql: ({ r, u }) => `
released as (
  update messages m set dedup_key = null
  from ${r} join heads on heads.conversation_id = r.conversation_id
  where m.conversation_id = r.conversation_id and m.seq = r.seq
  returning 1
),
changed as (
  update messages m set rev = u.rev, changed_by = u.changed_by,
    content = coalesce(u.content, m.content), metadata = coalesce(u.metadata, m.metadata),
    relations = nullif(coalesce(u.relations, m.relations), ''),
    edited_at = u.edited_at, deleted_at = u.deleted_at,
    edit_count = m.edit_count + u.edits, dedup_key = case when u.holds_key then m.dedup_key end
  from ${u} join heads on heads.conversation_id = u.conversation_id
  where m.conversation_id = u.conversation_id and m.seq = u.seq
  returning 1
)`,
  collect: () => new StoredMessageRows(),
};

class StoredMessageRows implements TableRows {
  readonly #changed = new Map<string, ChangedMessage>();
  readonly #released = new Map<string, MessagePlace>();

  add(event: Event): void {
    if ("message" in event) return this.#change(event);
    if (event.type !== "message_sent" || event.releasesKeyOf === null) return;
    const place = { conversationId: event.conversationId, seq: event.releasesKeyOf };
    this.#released.set(placeKey(place.conversationId, place.seq), place);
  }

  parameters(): readonly Buffer[] {
    const places: MessagePlace[] = [];
    for (const [key, place] of this.#released) {
      const message = this.#changed.get(key);
      if (message) message.holdsKey = false;
      else places.push(place);
    }
    return [...encode(released, places), ...encode(changed, [...this.#changed.values()])];
  }

  #change({ type, conversationId, changeId, message }: MessageChanged | ReactionChanged): void {
    const key = placeKey(conversationId, message.seq);
    const earlier = this.#changed.get(key);
    this.#changed.set(key, {
      message,
      changeId,
      edits: (earlier?.edits ?? 0) + (type === "message_edited" ? 1 : 0),
      isRewritten: earlier?.isRewritten || type === "message_edited" || type === "message_deleted",
      hasOtherRelations:
        earlier?.hasOtherRelations || type === "media_attached" || type === "message_deleted",
      holdsKey: true,
    });
  }
}
