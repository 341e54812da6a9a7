import { apply } from "../../core/apply.ts";
import type { Command } from "../../core/commands.ts";
import { type ConversationState, roles } from "../../core/conversations/conversation.ts";
import type { Event } from "../../core/events.ts";
import type { WholeFrame } from "../../engine/sync/gap-reader.ts";
import { newId } from "../../system.ts";
import { loadStates } from "../model/actor-reads.ts";
import type { ModelStore } from "../model/model-store.ts";
import { aSend, membersNamed } from "./builders.ts";
import { decideWith, someFacts } from "./facts.ts";
import type { Random } from "./random.ts";

const withinUs = 3_600_000_000;

/** A group in the model store that is written to at random, by whoever may. */
export class RandomLog {
  readonly id = newId();
  readonly users: readonly string[];
  readonly #model: ModelStore;
  readonly #random: Random;
  readonly #content: () => string;
  #nowUs = 1_767_225_600_000_000;

  constructor(options: {
    readonly model: ModelStore;
    readonly random: Random;
    /** More than one. Half of them are members from the start. */
    readonly users: readonly string[];
    readonly content?: () => string;
  }) {
    const { model, random, users } = options;
    this.users = users;
    this.#model = model;
    this.#random = random;
    this.#content = options.content ?? (() => `text ${this.#nowUs}`);
    model.create(this.id, membersNamed(users.slice(0, Math.ceil(users.length / 2))), "group");
  }

  /** Stores the next revision, and returns the frame that tells of it. */
  next(): WholeFrame {
    for (;;) {
      const state = this.#state();
      const command = this.#anyCommand(state);
      const facts = someFacts(this.#model.logs.get(this.id)!);
      const decision = decideWith(state, facts, command, ++this.#nowUs);
      if (decision.type === "decided" && decision.events.length > 0)
        return this.#store(state, decision.events);
    }
  }

  #state(): ConversationState {
    return loadStates(this.#model, [this.id])[0]!;
  }

  #store(state: ConversationState, events: readonly Event[]): WholeFrame {
    this.#model.write(this.id, events);
    for (const event of events) apply(state, event);
    const { rev, members, membersRev } = state;
    return { type: "changes", conversationId: this.id, rev, membersRev, members, events };
  }

  #anyCommand({ members }: ConversationState): Command {
    const random = this.#random;
    const given = { id: newId(), conversationId: this.id, senderId: random.pick([...members.keys()]) };
    const { messages } = this.#model.logs.get(this.id)!;
    const messageId = messages.length > 0 ? random.pick(messages).id : newId();
    const dice = random.below(24);
    if (dice < 7) return aSend({ ...given, content: this.#content() });
    if (dice < 9 && messages.length > 0)
      return aSend({ ...given, content: this.#content(), messageType: "media", replyToId: messageId });
    const reaction = random.pick(["👍", "❤️"]);
    if (dice < 10) return { type: "add_reaction", ...given, messageId, reaction };
    if (dice < 11) return { type: "remove_reaction", ...given, messageId, reaction };
    if (dice < 13)
      return {
        type: "edit_message",
        ...given,
        messageId,
        content: this.#content(),
        metadata: null,
        mentions: false,
        withinUs,
      };
    if (dice < 15) return { type: "delete_message", ...given, messageId, withinUs };
    if (dice < 17) return { type: "add_members", ...given, userIds: [random.pick(this.users)] };
    if (dice < 19) return { type: "remove_member", ...given, userId: random.pick(this.users) };
    if (dice < 21)
      return {
        type: "change_role",
        ...given,
        userId: random.pick(this.users),
        role: random.pick(roles),
      };
    if (dice < 23)
      return {
        type: "update_conversation",
        ...given,
        metadata: `{"name":"${this.#nowUs}"}`,
        maxMetadataBytes: 100,
      };
    if (members.size > 2) return { type: "leave_conversation", ...given };
    return aSend({ ...given, content: this.#content() });
  }
}
