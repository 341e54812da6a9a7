import type {
  ConversationChanged,
  ConversationDeactivated,
} from "../../core/conversations/conversation-changed.ts";
import type { Event } from "../../core/events.ts";
import { bool, bytea, encode, int8, timestamptz, uuid } from "./column.ts";
import type { Table, TableRows } from "./table.ts";

/** A conversation as the batch leaves it. */
interface ChangedConversation {
  readonly conversationId: string;
  readonly rev: number;
  readonly atUs: number;
  /** Empty, which no JSON text is: unchanged. */
  readonly metadata: string;
  readonly isActive: boolean;
}

const columns = {
  conversation_id: uuid((changed: ChangedConversation) => changed.conversationId),
  rev: int8((changed: ChangedConversation) => changed.rev),
  updated_at: timestamptz((changed: ChangedConversation) => changed.atUs),
  metadata: bytea((changed: ChangedConversation) => changed.metadata),
  is_active: bool((changed: ChangedConversation) => changed.isActive),
};

/** Updates conversations whose metadata or state changed. */
export const conversations: Table<"u"> = {
  inputs: { u: columns },
  sql: ({ u }) => `
settings as (
  update conversations c set rev = u.rev, updated_at = u.updated_at, metadata = coalesce(nullif(u.metadata, ''), c.metadata),
    is_active = u.is_active
  from ${u} join heads on heads.conversation_id = u.conversation_id
  where c.id = u.conversation_id
)`,
  collect: () => new ConversationRows(),
};

class ConversationRows implements TableRows {
  readonly #changed = new Map<string, ChangedConversation>();

  add(event: Event): void {
    if (event.type === "conversation_changed" || event.type === "conversation_deactivated")
      this.#change(event);
  }

  parameters(): readonly Buffer[] {
    return encode(columns, [...this.#changed.values()]);
  }

  #change(event: ConversationChanged | ConversationDeactivated): void {
    const { conversationId, rev, atUs } = event;
    const { metadata, isActive } =
      event.type === "conversation_changed"
        ? event.conversation
        : { metadata: this.#changed.get(conversationId)?.metadata ?? "", isActive: false };
    this.#changed.set(conversationId, { conversationId, rev, atUs, metadata, isActive });
  }
}
