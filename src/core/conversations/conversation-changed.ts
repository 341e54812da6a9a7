import type { ConversationSettings } from "./conversation.ts";

/** The settings of the conversation changed: `conversation` is the whole of them. */
export interface ConversationChanged {
  readonly type: "conversation_changed";
  readonly conversationId: string;
  readonly rev: number;
  readonly atUs: number;
  readonly conversation: ConversationSettings;
  /** Null: the event was read back from the store, which knows the outcome alone. */
  readonly change: SettingsChange | null;
}

/** Names the user who changed settings, and the settings. */
export interface SettingsChange {
  readonly actorId: string;
  /** At the top level of the metadata, and each setting of a group as `group_settings.<name>`. */
  readonly names: readonly string[];
}

/** The last member has left: there is nobody any more who could do anything in it. */
export interface ConversationDeactivated {
  readonly type: "conversation_deactivated";
  readonly conversationId: string;
  readonly rev: number;
  readonly atUs: number;
}
