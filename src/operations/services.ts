import type { Clock } from "../core/ports/clock.ts";
import type { NewId } from "../core/ports/ids.ts";
import type { Observer } from "../core/ports/observer.ts";
import type { Presence, PresenceStatus } from "../core/ports/presence.ts";
import type { Visibility } from "../core/presence/visibility.ts";
import type { Registry } from "../engine/conversation/registry.ts";
import type { Queries as EngineQueries } from "../engine/queries.ts";
import type { Marks as EngineMarks } from "../engine/receipts/marks.ts";
import type { SocketCaller } from "./caller.ts";
import type { PayloadLimits } from "./payload-limits.ts";
import type { MessageTexts } from "./views/message-texts.ts";

/** Takes commands. Answers each exactly once, with what is durable. */
export type Commands = Pick<Registry, "submit">;
/** Takes receipts. */
export type Marks = Pick<EngineMarks, "note" | "noteIfMember" | "noteMessage">;
/** Reads for viewers, the creation of conversations and private state. */
export type Queries = Pick<
  EngineQueries,
  | "list"
  | "show"
  | "members"
  | "history"
  | "message"
  | "deliveryStatus"
  | "changes"
  | "createDirect"
  | "createGroup"
  | "markUnread"
  | "allowReadding"
>;

/** Typing signals of the sockets of this node. */
export interface TypingSignals {
  signalled(by: SocketCaller, conversationId: string, isTyping: boolean): void;
}

/** Presence of the sockets of this node. */
export interface SocketPresence {
  setStatus(by: SocketCaller, status: PresenceStatus): void;
  shows(caller: SocketCaller, conversationId: string): boolean;
}

/** The services that operations use. Each takes what it uses. */
export interface Services {
  readonly commands: Commands;
  readonly queries: Queries;
  readonly marks: Marks;
  readonly typing: TypingSignals;
  readonly presences: SocketPresence;
  readonly presence: Pick<Presence, "isOnline">;
  readonly visibility: Pick<Visibility, "maySee">;
  readonly texts: MessageTexts;
  readonly limits: PayloadLimits;
  readonly observer: Pick<Observer, "unknownFields">;
  readonly newId: NewId;
  readonly clock: Pick<Clock, "nowUs">;
}
