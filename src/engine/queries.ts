import { authorize } from "../core/authorize.ts";
import { type CreateDirect, checkCreateDirect } from "../core/conversations/create.ts";
import type {
  ConversationCreation,
  ConversationSummary,
  HistoryPage,
  ViewerReads,
} from "../core/ports/store.ts";
import type { ListConversations, ReadHistory, ShowConversation } from "../core/queries.ts";
import { isRejection, type Rejection } from "../core/rejection.ts";

/** What viewers may read, and the creation of conversations: straight to the store, no actor involved. */
export class Queries {
  readonly #reads: ViewerReads;
  readonly #creation: ConversationCreation;

  constructor(options: { readonly reads: ViewerReads; readonly creation: ConversationCreation }) {
    this.#reads = options.reads;
    this.#creation = options.creation;
  }

  list(query: ListConversations): ReturnType<ViewerReads["listConversations"]> {
    return this.#reads.listConversations(query);
  }

  async show(query: ShowConversation): Promise<ConversationSummary | Rejection> {
    const { membership, summary } = await this.#reads.showConversation(query.viewerId, query.conversationId);
    return authorize.show_conversation(membership) ?? summary!;
  }

  async history(query: ReadHistory): Promise<HistoryPage | Rejection> {
    const page = await this.#reads.readHistory(query);
    return authorize.read_history(page.membership) ?? page;
  }

  /** The pair's one conversation, and whether this call made it. */
  async createDirect(
    command: CreateDirect,
  ): Promise<{ readonly summary: ConversationSummary; readonly created: boolean } | Rejection> {
    const refusal = checkCreateDirect(command);
    if (refusal) return refusal;
    const { conversationId, created } = await this.#creation.createDirect(command);
    const summary = await this.show({
      type: "show_conversation",
      viewerId: command.creatorId,
      conversationId,
    });
    return isRejection(summary) ? summary : { summary, created };
  }
}
