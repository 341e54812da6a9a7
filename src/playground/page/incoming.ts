import type { CatchUp } from "./catch-up.ts";
import type { Conversation } from "./conversation.ts";
import type { Conversations } from "./conversations.ts";
import type { People } from "./people.ts";
import { capital, nameTo, tellMemberChange, tellMembers, tellSettings } from "./tell.ts";
import type {
  Changes,
  Mark,
  MembersPush,
  Message,
  Push,
  ReactionPush,
  SettingsPush,
  StatusPush,
} from "./wire.ts";

/** What all members see. It comes on both topics: what is applied twice changes nothing the second time. */
export const changeEvents = [
  "new_message",
  "message_updated",
  "message_deleted",
  "reaction_added",
  "reaction_removed",
  "conversation_members_updated",
  "conversation_updated",
  "conversation_changed",
] as const;
export type ChangeEvent = (typeof changeEvents)[number];

export interface IncomingOptions {
  readonly userId: string;
  readonly conversations: Conversations;
  readonly people: People;
  readonly catchUp: CatchUp;
  /** Whether it is one that waited in the outbox: then it is news to nobody here. */
  readonly onStored: (conversation: Conversation, message: Message) => boolean;
  readonly onMessage: (conversation: Conversation, message: Message) => void;
  /** One is no member any more. */
  readonly onLeft: (conversation: Conversation) => void;
  readonly onChange: () => void;
}

/** Takes what the server tells into what is held. It asks for nothing. */
export class Incoming {
  readonly #options: IncomingOptions;

  constructor(options: IncomingOptions) {
    this.#options = options;
  }

  /** One push, on whichever topic. */
  hear(conversation: Conversation, event: ChangeEvent, push: Push & { readonly message?: Message }): void {
    const rev = push.rev ?? push.message?.rev ?? 0;
    const isNews = rev > conversation.heardRev;
    this.#apply(conversation, event, push as never, isNews);
    conversation.hear(rev);
    if (isNews && event !== "new_message") this.#options.catchUp.change(conversation.id, rev);
    this.#options.onChange();
  }

  #apply(conversation: Conversation, event: ChangeEvent, push: never, isNews: boolean): void {
    switch (event) {
      case "new_message":
      case "message_updated":
      case "message_deleted":
        return this.message(conversation, (push as { readonly message: Message }).message);
      case "reaction_added":
      case "reaction_removed":
        return conversation.log.react(push as ReactionPush, event === "reaction_added");
      case "conversation_members_updated":
        return this.#member(conversation, push as MembersPush, isNews);
      case "conversation_updated": {
        const { conversation: next, actor_id: actorId } = push as SettingsPush;
        const actor = actorId ? capital(nameTo(this.#options, actorId)) : null;
        if (isNews) conversation.note(...tellSettings(conversation, next, actor));
        return conversation.putSettings(next);
      }
      // Something that this member may not see: only its number counts.
      case "conversation_changed":
        return;
    }
  }

  /** Of a push, a backlog or an answer. */
  message(conversation: Conversation, message: Message): void {
    const isNew = conversation.putMessage(message);
    const isOurs = this.#options.onStored(conversation, message);
    if (isNew) this.#arrived(conversation, message, isOurs);
    this.#options.onChange();
  }

  /** A difference, up to this `rev`. */
  changes(conversation: Conversation, changes: Changes, reachedRev: number): void {
    const { messages, members, conversation: settings } = changes;
    const { userId, catchUp, onStored, onLeft } = this.#options;
    const notes = this.#notesOf(conversation, changes);
    const arrived = conversation.putChanges(changes);
    conversation.note(...notes);
    const ours = new Set(messages.filter((message) => onStored(conversation, message)));
    for (const message of arrived) this.#arrived(conversation, message, ours.has(message));
    const revs = [...messages, ...members].map(({ rev }) => rev ?? reachedRev);
    for (const rev of settings ? [...revs, reachedRev] : revs) catchUp.change(conversation.id, rev);
    conversation.reach(reachedRev);
    const me = members.find(({ user_id }) => user_id === userId);
    if (me && !me.is_active) onLeft(conversation);
    this.#options.onChange();
  }

  status(push: StatusPush): void {
    const { conversations, userId, onChange } = this.#options;
    const conversation = conversations.get(push.conversation_id);
    conversation?.marks.raiseAll(push, conversation.othersThan(userId));
    onChange();
  }

  marks(conversationId: string, marks: readonly Mark[]): void {
    this.#options.conversations.get(conversationId)?.putMarks(marks);
    this.#options.onChange();
  }

  /** What happened meanwhile beside messages. The two of a direct conversation do not come and go. */
  #notesOf(conversation: Conversation, { members, conversation: settings }: Changes): readonly string[] {
    if (conversation.type === "direct") return [];
    const told = members.map((member) =>
      tellMemberChange(conversation.members.get(member.user_id), member, this.#options),
    );
    const about = settings ? tellSettings(conversation, settings, null) : [];
    return [...told.filter((text) => text !== null), ...about];
  }

  #arrived(conversation: Conversation, message: Message, isOurs: boolean): void {
    const { userId, catchUp, onMessage } = this.#options;
    conversation.unread = message.sender_id === userId ? 0 : conversation.unread + 1;
    if (isOurs) catchUp.own(conversation.id, message.rev);
    else catchUp.message(conversation.id, message.rev);
    onMessage(conversation, message);
  }

  #member(conversation: Conversation, push: MembersPush, isNews: boolean): void {
    const userIds = push.user_ids ?? [push.user_id];
    for (const user_id of userIds) conversation.putMember({ ...push.member, user_id });
    if (isNews) conversation.note(tellMembers(conversation, push, this.#options));
    const isOurs = userIds.includes(this.#options.userId);
    if (isOurs && !push.member.is_active) this.#options.onLeft(conversation);
  }
}
