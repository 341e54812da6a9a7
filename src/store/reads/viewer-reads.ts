import type { HistoryPage, ViewerReads } from "../../core/ports/viewer-reads.ts";
import type { ListConversations, ListMembers, MessagePart, ReadHistory } from "../../core/queries.ts";
import type { ReadPool } from "../connections/database.ts";
import { readConversation, readList } from "./conversation-reads.ts";
import { readDeliveryStatus } from "./delivery-status-reads.ts";
import { readHistory } from "./history-reads.ts";
import { readMembers } from "./member-reads.ts";
import { readMessage } from "./message-reads.ts";

/** Reads for viewers. Each statement joins the viewer's present membership: former members are strangers. */
export class PostgresViewerReads implements ViewerReads {
  readonly #reads: ReadPool;

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
}
