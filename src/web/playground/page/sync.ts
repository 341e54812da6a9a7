import type { Channel } from "phoenix";
import { CatchUp, type CaughtUp } from "./catch-up.ts";
import type { Conversation } from "./conversation.ts";
import { ConversationTopic } from "./conversation-topic.ts";
import type { Conversations } from "./conversations.ts";
import type { Line } from "./line.ts";
import type { Unsent } from "./outbox.ts";
import type { People } from "./people.ts";
import { type Refusal, Refused, refusalOf } from "./refused.ts";
import type { Rest } from "./rest.ts";
import { tellMembers, tellSettings } from "./tell.ts";
import type {
  Availability,
  BareConversation,
  Changes,
  JoinedConversation,
  JoinedUser,
  Mark,
  Member,
  MembersPush,
  Message,
  Push,
  ReactionPush,
  StatusPush,
  Summary,
} from "./wire.ts";

export interface SyncOptions {
  readonly userId: string;
  readonly line: Line;
  readonly rest: Rest;
  readonly conversations: Conversations;
  readonly people: People;
  readonly onMessage: (conversation: Conversation, message: Message) => void;
  readonly onGone: (conversation: Conversation) => void;
  readonly onCaughtUp: (caughtUp: CaughtUp) => void;
  readonly onChange: () => void;
}

/** Presence and typing are heard only where a topic is joined. The user's own topic brings everything else of all the others too. */
const mostTopics = 50;
const listPage = 100;
const historyPage = 50;
const changesPage = 500;

/** What all members see. It comes on both topics: what is applied twice changes nothing the second time. */
const changeEvents = [
  "new_message",
  "message_updated",
  "message_deleted",
  "reaction_added",
  "reaction_removed",
  "conversation_members_updated",
  "conversation_updated",
  "conversation_changed",
] as const;
type ChangeEvent = (typeof changeEvents)[number];

/**
 * Keeps the conversations of this device equal to the server's, in three ways: the list and history by REST, what was missed by the
 * cursors that each join brings, and what happens by pushes. A push whose `rev` is not the next one tells of a hole; the difference
 * since the last known `rev` fills it.
 */
export class Sync {
  readonly #options: SyncOptions;
  readonly #topics = new Map<string, ConversationTopic>();
  readonly #catchUp = new CatchUp();
  /** What is being read, so that it is not read twice at once. */
  readonly #reads = new Map<string, Promise<void>>();
  #generation: number | null = null;
  #userChannel: Channel | null = null;

  constructor(options: SyncOptions) {
    this.#options = options;
  }

  setAvailability(status: Availability, refused: (refusal: Refusal) => void): void {
    this.#userChannel
      ?.push("update_status", { status })
      .receive("error", (told: object) => refused(refusalOf(told)));
  }

  /** Before the socket is opened: what the list shows is then the cursor of the first join. */
  async start(): Promise<void> {
    await this.readList();
    this.#joinUser();
  }

  topicOf(conversation: Conversation): ConversationTopic {
    return this.#topics.get(conversation.id) ?? this.#join(conversation);
  }

  /** What was written there and is not stored yet. */
  unsentIn({ id }: Conversation): readonly Unsent[] {
    return this.#topics.get(id)?.outbox.entries ?? [];
  }

  /** The line is there again after it was away. */
  returning(): void {
    this.#catchUp.begin([this.#userTopic, ...this.#topics.keys()]);
  }

  async readList(): Promise<void> {
    const { rest, conversations, onChange } = this.#options;
    for (let offset = 0, hasMore = true; hasMore; offset += listPage) {
      const { data, meta } = await rest.get<readonly Summary[], { readonly has_more: boolean }>(
        `/conversations?limit=${listPage}&offset=${offset}`,
      );
      for (const summary of data) conversations.put(summary);
      hasMore = meta.has_more;
    }
    for (const conversation of conversations.all.slice(0, mostTopics)) this.topicOf(conversation);
    onChange();
  }

  /** A conversation by itself, as the list has it: also what is unread. */
  refresh(id: string): Promise<void> {
    return this.#once(`conversation ${id}`, async () => {
      const { rest, conversations, onChange } = this.#options;
      const { data } = await rest.get<Summary>(`/conversations/${id}`);
      this.topicOf(conversations.put(data));
      onChange();
    });
  }

  /** Its members, with their roles and when they were there last. */
  readMembers(conversation: Conversation): Promise<void> {
    return this.#once(`members ${conversation.id}`, async () => {
      const { rest, people, onChange } = this.#options;
      const { data } = await rest.get<readonly Member[]>(`/conversations/${conversation.id}/members`);
      conversation.setMembers(data);
      for (const { user_id, last_seen_at } of data) people.seen(user_id, last_seen_at);
      onChange();
    });
  }

  /** The newest page, where none was read yet. */
  readNewest(conversation: Conversation): Promise<void> {
    return conversation.log.isRead ? Promise.resolve() : this.#readPage(conversation, "");
  }

  /** The page before what is held. */
  readEarlier(conversation: Conversation): Promise<void> {
    const { firstSeq, hasEarlier } = conversation.log;
    if (!hasEarlier || firstSeq === null) return Promise.resolve();
    return this.#readPage(conversation, `&before=${firstSeq}`);
  }

  /** What changed between the server's look and ours is not in the page: it is asked for as any other difference. */
  #readPage(conversation: Conversation, before: string): Promise<void> {
    return this.#once(`page ${conversation.id}`, async () => {
      const knownRev = conversation.rev;
      const { data, meta } = await this.#options.rest.get<readonly Message[], { readonly has_more: boolean }>(
        `/conversations/${conversation.id}/messages?limit=${historyPage}${before}`,
      );
      conversation.log.addPage(data, meta.has_more);
      if (conversation.rev !== knownRev) await this.#readChanges(conversation, knownRev);
      this.#options.onChange();
    });
  }

  get #userTopic(): string {
    return `user:${this.#options.userId}`;
  }

  #joinUser(): void {
    const { line, conversations } = this.#options;
    const channel = line.channel(this.#userTopic, () => ({
      cursors: conversations.cursors,
      ...(this.#generation === null ? {} : { generation: this.#generation }),
    }));
    for (const event of changeEvents) channel.on(event, (push) => this.#hear(event, push));
    channel.on("conversation_created", ({ conversation_id }: Push) => void this.#discover(conversation_id));
    channel.on("pending_messages", ({ messages }: Changes) => this.#takePending(messages));
    channel.on("caught_up", () => this.#isLive(this.#userTopic));
    channel.on("cursor_expired", ({ conversation_id }: Push) => void this.#readAfresh(conversation_id));
    channel.on("delivery_status", (push: StatusPush) => this.#takeStatus(push));
    channel.on("message_read", (push: { conversation_id: string; user_id: string; seq: number }) =>
      this.#takeMarks(push.conversation_id, [{ ...push, delivered_seq: push.seq, read_seq: push.seq }]),
    );
    channel.on("message_unread", ({ conversation_id }: Push) => void this.refresh(conversation_id));
    channel.on("conversation_read", ({ conversation_id }: Push) => void this.refresh(conversation_id));
    channel.join().receive("ok", (reply: JoinedUser) => this.#joinedUser(reply));
    this.#userChannel = channel;
  }

  /** Another generation: the server's history is not the one that our cursors are of. */
  #joinedUser({ generation, resumed }: JoinedUser): void {
    const isKnown = this.#generation !== null;
    this.#generation = generation;
    if (resumed || !isKnown) return;
    for (const { id } of this.#options.conversations.all) void this.#readAfresh(id);
  }

  #join(conversation: Conversation): ConversationTopic {
    const { line, userId, people, onChange } = this.#options;
    const topic = new ConversationTopic(
      {
        conversation,
        line,
        userId,
        generation: () => this.#generation,
        onJoined: (reply) => this.#joined(conversation, reply),
        onPush: (event, payload) => this.#hear(event as ChangeEvent, payload),
        onStored: (message) => this.#takeMessage(conversation, message),
        onClosed: () => void this.#closed(conversation),
        onPresence: (present) => {
          people.present(conversation.id, present);
          onChange();
        },
        onChange,
      },
      changeEvents,
    );
    this.#topics.set(conversation.id, topic);
    topic.join();
    return topic;
  }

  /** The reply brings the difference since our cursor, or says that there is none to be had. */
  #joined(conversation: Conversation, reply: JoinedConversation): void {
    this.#generation = reply.generation;
    const isAsKnown = reply.head_rev === conversation.rev;
    if (reply.changes) this.#takeChanges(conversation, reply.changes, reply.head_rev);
    else if (reply.resumed === false && !isAsKnown) void this.#readAfresh(conversation.id);
    conversation.putMarks(reply.marks ?? []);
    if (conversation.unread > 0) this.#topics.get(conversation.id)?.delivered(conversation.seq);
    this.#isLive(conversation.id);
    this.#fillHole(conversation);
    this.#options.onChange();
  }

  #isLive(topic: string): void {
    const caughtUp = this.#catchUp.isLive(topic);
    if (caughtUp) this.#options.onCaughtUp(caughtUp);
  }

  #hear(event: ChangeEvent, push: Push & { readonly message?: Message }): void {
    const conversationId = push.conversation_id ?? push.message?.conversation_id;
    const conversation = this.#options.conversations.get(conversationId);
    if (!conversation) return void this.#discover(conversationId);
    const rev = push.rev ?? push.message?.rev ?? 0;
    const isNews = rev > conversation.heardRev;
    this.#apply(conversation, event, push as never, isNews);
    conversation.hear(rev);
    if (isNews && event !== "new_message") this.#catchUp.change(conversation.id, rev);
    this.#fillHole(conversation);
    this.#options.onChange();
  }

  #apply(conversation: Conversation, event: ChangeEvent, push: never, isNews: boolean): void {
    switch (event) {
      case "new_message":
      case "message_updated":
      case "message_deleted":
        return this.#takeMessage(conversation, (push as { readonly message: Message }).message);
      case "reaction_added":
      case "reaction_removed":
        return conversation.log.react(push as ReactionPush, event === "reaction_added");
      case "conversation_members_updated":
        return this.#takeMember(conversation, push as MembersPush, isNews);
      case "conversation_updated": {
        const next = (push as { readonly conversation: BareConversation }).conversation;
        if (isNews) conversation.note(tellSettings(conversation, next));
        return conversation.putSettings(next);
      }
      // Something that this member may not see: only its number counts.
      case "conversation_changed":
        return;
    }
  }

  #takeMessage(conversation: Conversation, message: Message): void {
    const isNew = conversation.putMessage(message);
    this.#topics.get(conversation.id)?.outbox.stored(message);
    if (isNew) this.#arrived(conversation, message);
    this.#options.onChange();
  }

  #arrived(conversation: Conversation, message: Message): void {
    const isOwn = message.sender_id === this.#options.userId;
    conversation.unread = isOwn ? 0 : conversation.unread + 1;
    this.#topics.get(conversation.id)?.stoppedTyping(message.sender_id);
    this.#catchUp.message(conversation.id, message.rev);
    this.#options.onMessage(conversation, message);
  }

  #takeMember(conversation: Conversation, push: MembersPush, isNews: boolean): void {
    conversation.putMember(push.member);
    if (isNews) conversation.note(tellMembers(conversation, push, this.#options));
    if (push.user_id === this.#options.userId && !push.member.is_active) this.#gone(conversation);
  }

  /** Nothing says why: one was removed, or the other one of a direct conversation is as nobody to us now. */
  async #closed(conversation: Conversation): Promise<void> {
    this.#topics.delete(conversation.id);
    try {
      await this.refresh(conversation.id);
    } catch {
      this.#gone(conversation);
    }
  }

  #gone(conversation: Conversation): void {
    if (!this.#options.conversations.get(conversation.id)) return;
    const { conversations, people, onGone } = this.#options;
    this.#topics.get(conversation.id)?.leave();
    this.#topics.delete(conversation.id);
    conversations.remove(conversation.id);
    people.forgetPresence(conversation.id);
    onGone(conversation);
  }

  /** Pages of the backlog: messages only, so that edits and members before them may still be unknown. */
  #takePending(messages: readonly Message[]): void {
    for (const message of messages) {
      const conversation = this.#options.conversations.get(message.conversation_id);
      if (!conversation) void this.#discover(message.conversation_id);
      else {
        this.#takeMessage(conversation, message);
        conversation.hear(message.rev);
      }
    }
  }

  #takeChanges(conversation: Conversation, changes: Changes, reachedRev: number): void {
    const { messages, members, conversation: settings } = changes;
    const arrived = conversation.putChanges(changes);
    for (const message of arrived) this.#arrived(conversation, message);
    const revs = [...messages, ...members].map(({ rev }) => rev ?? reachedRev);
    for (const rev of settings ? [...revs, reachedRev] : revs) this.#catchUp.change(conversation.id, rev);
    for (const message of messages) this.#topics.get(conversation.id)?.outbox.stored(message);
    conversation.reach(reachedRev);
    const me = members.find(({ user_id }) => user_id === this.#options.userId);
    if (me && !me.is_active) this.#gone(conversation);
  }

  #takeStatus(push: StatusPush): void {
    const conversation = this.#options.conversations.get(push.conversation_id);
    if (!conversation) return;
    conversation.marks.raiseAll(push, conversation.othersThan(this.#options.userId));
    this.#options.onChange();
  }

  #takeMarks(conversationId: string, marks: readonly Mark[]): void {
    this.#options.conversations.get(conversationId)?.putMarks(marks);
    this.#options.onChange();
  }

  /** Whatever is missing between what we know and what we heard of. A join that is under way brings it anyway. */
  #fillHole(conversation: Conversation): void {
    if (!conversation.hasHole || this.#topics.get(conversation.id)?.isJoining) return;
    void this.#once(`hole ${conversation.id}`, async () => {
      // What is heard while one reads may lie beyond what was read.
      for (let before = -1; conversation.hasHole && conversation.rev > before; ) {
        before = conversation.rev;
        await this.#readChanges(conversation, before);
      }
    });
  }

  async #readChanges(conversation: Conversation, sinceRev: number): Promise<void> {
    const generation = this.#generation === null ? "" : `&generation=${this.#generation}`;
    try {
      for (let since = sinceRev, hasMore = true; hasMore; ) {
        const path = `/conversations/${conversation.id}/changes?since=${since}&limit=${changesPage}`;
        const { data, meta } = await this.#options.rest.get<
          Changes,
          { readonly next_since: number; readonly has_more: boolean; readonly marks: readonly Mark[] }
        >(path + generation);
        this.#takeChanges(conversation, data, meta.next_since);
        conversation.putMarks(meta.marks);
        since = meta.next_since;
        hasMore = meta.has_more;
      }
    } catch (error) {
      if (!(error instanceof Refused) || error.refusal.reason !== "cursor_expired") throw error;
      await this.#readAfresh(conversation.id);
    }
    this.#options.onChange();
  }

  /** A conversation that we did not know: made just now, or we were added to it. */
  async #discover(id: string): Promise<void> {
    await this.refresh(id).catch(() => {});
  }

  /** The server cannot tell the difference: what is held is dropped and read again. */
  async #readAfresh(id: string): Promise<void> {
    const { rest, conversations, onChange } = this.#options;
    await this.#once(`afresh ${id}`, async () => {
      const { data } = await rest.get<Summary>(`/conversations/${id}`);
      const conversation = conversations.put(data);
      const wasRead = conversation.log.isRead;
      conversation.restart(data);
      if (wasRead) await this.readNewest(conversation);
      onChange();
    });
  }

  #once(what: string, read: () => Promise<void>): Promise<void> {
    const underWay = this.#reads.get(what);
    if (underWay) return underWay;
    const reading = read().finally(() => this.#reads.delete(what));
    this.#reads.set(what, reading);
    return reading;
  }
}
