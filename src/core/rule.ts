import type { Access } from "./access.ts";
import type { ConversationState } from "./conversations/conversation.ts";
import type { Decision } from "./decision.ts";
import type { Facts, MessageRef } from "./facts.ts";
import type { SendKey } from "./messages/send-key.ts";

/** Everything that the domain knows of one kind of command: one object beside its type, and one line in `commands.ts`. */
export interface Rule<One> {
  readonly allows: Access;
  readonly needs?: Needs<One>;
  /** Returns the characters that the client wrote in the command. Absent: none. */
  readonly size?: (command: One) => number;
  /** The server issues the command, to apply something that was decided elsewhere. Its sender need not be a member. */
  readonly isOfServer?: true;
  /** Pure and synchronous. `facts` hold everything that `needs` names. */
  readonly decide: (state: ConversationState, command: One, facts: Facts) => Decision;
}

/**
 * The facts that commands of one type need before they are decided, in `Facts`. The functions run for every command: they allocate nothing
 * where nothing is needed.
 */
export interface Needs<One> {
  /** Ids of messages of the command's conversation. */
  readonly messages?: (command: One) => readonly string[];
  /** Messages of other conversations. They are found only if the sender sees them. */
  readonly elsewhere?: (command: One) => readonly MessageRef[];
  /** The users whom the command brings together with its sender. */
  readonly contacts?: (command: One) => ContactsNeed;
  readonly metadata?: true;
  /** The key under which the command may have been sent before; null: it has none. */
  readonly sendKey?: (command: One) => SendKey | null;
}

export interface ContactsNeed {
  readonly userIds: readonly string[];
  /** Whether `isKnown` is needed: it is costly to find. */
  readonly asksFirst: boolean;
}

/** The needs of a command about one stored message. */
export const theMessage: Needs<{ readonly messageId: string }> = { messages: ({ messageId }) => [messageId] };
