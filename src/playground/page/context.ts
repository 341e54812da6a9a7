import type { Account } from "./account.ts";
import type { Conversation } from "./conversation.ts";
import type { Conversations } from "./conversations.ts";
import type { People } from "./people.ts";
import type { Rest } from "./rest.ts";
import type { Sync } from "./sync.ts";
import type { Toasts } from "./toasts.ts";
import type { Question, Ui } from "./ui.ts";

/** What every act of a visitor works on. */
export interface Context {
  readonly account: Account;
  readonly people: People;
  readonly conversations: Conversations;
  readonly rest: Rest;
  readonly sync: Sync;
  readonly toasts: Toasts;
  readonly ui: Ui;
  /** The one that is looked at. */
  readonly open: Conversation | null;
  readonly redraw: () => void;
  show(id: string): void;
  showList(): void;
  /** Before something that cannot be taken back. */
  ask(question: Question): void;
  linkTo(conversationId: string, seq: number | null): string;
}
