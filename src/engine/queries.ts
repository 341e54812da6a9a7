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
import { orUnavailable } from "./or-unavailable.ts";

export interface ConversationList {
  readonly summaries: readonly ConversationSummary[];
  readonly hasMore: boolean;
}

/** What viewers may read, and the creation of conversations: straight to the store, no actor involved. Throws only for bugs. */
export class Queries {
  readonly #reads: ViewerReads;
  readonly #creation: ConversationCreation;

  constructor(options: { readonly reads: ViewerReads; readonly creation: ConversationCreation }) {
    this.#reads = options.reads;
    this.#creation = options.creation;
  }

  list(query: ListConversations): Promise<ConversationList | Rejection> {
    return orUnavailable(this.#reads.listConversations(query));
  }

  async show(query: ShowConversation): Promise<ConversationSummary | Rejection> {
    const found = await orUnavailable(this.#reads.showConversation(query.viewerId, query.conversationId));
    if (isRejection(found)) return found;
    return authorize.show_conversation(found.membership) ?? found.summary!;
  }

  async history(query: ReadHistory): Promise<HistoryPage | Rejection> {
    const page = await orUnavailable(this.#reads.readHistory(query));
    if (isRejection(page)) return page;
    return authorize.read_history(page.membership) ?? page;
  }

  /** The pair's one conversation, and whether this call made it. */
  async createDirect(
    command: CreateDirect,
  ): Promise<{ readonly summary: ConversationSummary; readonly created: boolean } | Rejection> {
    const refusal = checkCreateDirect(command);
    if (refusal) return refusal;
    const made = await orUnavailable(this.#creation.createDirect(command));
    if (isRejection(made)) return made;
    const { conversationId, created } = made;
    const summary = await this.show({
      type: "show_conversation",
      viewerId: command.creatorId,
      conversationId,
    });
    return isRejection(summary) ? summary : { summary, created };
  }
}
