import type { Changes, ChangesRequest, JoinRequest } from "../../core/ports/sync-reads.ts";
import type { HistoryPage, ViewerReads } from "../../core/ports/viewer-reads.ts";
import type {
  JoinUser,
  ListConversations,
  ListMembers,
  MessagePart,
  ReadHistory,
} from "../../core/queries.ts";
import type { ReadPool } from "../connections/database.ts";
import { readChanges } from "./changes-reads.ts";
import { readConversation, readList } from "./conversation-reads.ts";
import { readDeliveryStatus } from "./delivery-status-reads.ts";
import { readHistory } from "./history-reads.ts";
import { readJoinFacts } from "./join-reads.ts";
import { readMembers } from "./member-reads.ts";
import { readMessage } from "./message-reads.ts";
import { ParsedMarks } from "./parsed-marks.ts";

/** What members read. The present membership of the viewer is part of each statement: who left is a stranger. */
export class PostgresViewerReads implements ViewerReads {
  readonly #reads: ReadPool;
  readonly #marks = new ParsedMarks();

  constructor(options: { readonly reads: ReadPool }) {
    this.#reads = options.reads;
  }

  listConversations(query: ListConversations): ReturnType<ViewerReads["listConversations"]> {
    return readList(this.#reads, query);
  }

  showConversation(viewerId: string, conversationId: string): ReturnType<ViewerReads["showConversation"]> {
    return readConversation(this.#reads, viewerId, conversationId);
  }

  listMembers(query: ListMembers): ReturnType<ViewerReads["listMembers"]> {
    return readMembers(this.#reads, query);
  }

  showDeliveryStatus(viewerId: string, messageId: string): ReturnType<ViewerReads["showDeliveryStatus"]> {
    return readDeliveryStatus(this.#reads, viewerId, messageId);
  }

  readHistory(query: ReadHistory): Promise<HistoryPage> {
    return readHistory(this.#reads, query);
  }

  showMessage(
    viewerId: string,
    messageId: string,
    part: MessagePart,
  ): ReturnType<ViewerReads["showMessage"]> {
    return readMessage(this.#reads, viewerId, messageId, part);
  }

  joinFacts(
    conversations: readonly JoinRequest[],
    users: readonly Omit<JoinUser, "type">[],
  ): ReturnType<ViewerReads["joinFacts"]> {
    return readJoinFacts(this.#reads, conversations, users, this.#marks);
  }

  changes(questions: readonly ChangesRequest[]): Promise<readonly Changes[]> {
    return readChanges(this.#reads, questions);
  }
}
