import type { Command } from "./commands.ts";
import type { MessageRef } from "./facts.ts";
import { keyOf } from "./messages/send.ts";
import type { SendKey } from "./messages/send-key.ts";

/**
 * The facts that commands of one type need before they are decided, in `Facts`. The functions run for every command: they allocate nothing
 * where nothing is needed.
 */
export interface Needs<Needing> {
  /** Ids of messages of the command's conversation. */
  readonly messages?: (command: Needing) => readonly string[];
  /** Messages of other conversations. They are found only if the sender sees them. */
  readonly elsewhere?: (command: Needing) => readonly MessageRef[];
  /** The users whom the command brings together with its sender. */
  readonly contacts?: (command: Needing) => ContactsNeed;
  readonly metadata?: true;
  /** The key under which the command may have been sent before; null: it has none. */
  readonly sendKey?: (command: Needing) => SendKey | null;
}

export interface ContactsNeed {
  readonly userIds: readonly string[];
  /** Whether `isKnown` is needed: it is costly to find. */
  readonly asksFirst: boolean;
}

const none: readonly string[] = [];
const nothing: Needs<Command> = {};
const theMessage: Needs<{ readonly messageId: string }> = { messages: ({ messageId }) => [messageId] };

/** One line per command, so that the type checker proves that none is forgotten. */
const needs: { readonly [Type in Command["type"]]: Needs<Extract<Command, { readonly type: Type }>> } = {
  send_message: {
    messages: ({ replyToId }) => (replyToId === null ? none : [replyToId]),
    sendKey: keyOf,
  },
  edit_message: theMessage,
  delete_message: theMessage,
  attach_media: theMessage,
  add_reaction: theMessage,
  remove_reaction: theMessage,
  add_members: { contacts: ({ userIds, asksFirst = false }) => ({ userIds, asksFirst }) },
  remove_member: nothing,
  leave_conversation: nothing,
  change_role: nothing,
  update_conversation: { metadata: true },
  accept_conversation: nothing,
  decline_conversation: nothing,
  return_to_direct: { contacts: ({ otherUserId }) => ({ userIds: [otherUserId], asksFirst: false }) },
  apply_blocks: nothing,
};

/** Returns the needs of the command's type. */
export function needsOf({ type }: Command): Needs<Command> {
  // A type that nobody knows is for `decide` to refuse.
  return (needs[type] as Needs<Command> | undefined) ?? nothing;
}

/** Whether the command makes users members who are to be looked up before. */
export function bringsTogether(command: Command): boolean {
  return needsOf(command).contacts !== undefined;
}
