import { authorize } from "../core/authorize.ts";
import type { JoinFacts, ViewerReads } from "../core/ports/store.ts";
import type { JoinConversation } from "../core/queries.ts";
import { isRejection, type Rejection } from "../core/rejection.ts";
import { Gather } from "./gather.ts";
import { orUnavailable } from "./or-unavailable.ts";
import { tooManyJoins } from "./refusals.ts";

const joinsAtOnce = 1_000;
const maxWaitingJoins = 50_000;

/** Joins of conversations. They load no actor; those that arrive while a read is in flight share the next one. */
export class Joins {
  readonly #facts: Gather<{ viewerId: string; conversationId: string }, JoinFacts>;

  constructor(options: { readonly reads: Pick<ViewerReads, "joinFacts"> }) {
    this.#facts = new Gather({
      read: (questions) => options.reads.joinFacts(questions),
      maxQuestions: joinsAtOnce,
      maxWaiting: maxWaitingJoins,
    });
  }

  /** Facts from a read that began after this call. */
  async ask(query: Omit<JoinConversation, "type">): Promise<JoinFacts | Rejection> {
    const facts = await orUnavailable(this.#facts.ask(query));
    if (!facts) return tooManyJoins;
    if (isRejection(facts)) return facts;
    return authorize.join_conversation(facts.membership) ?? facts;
  }
}
