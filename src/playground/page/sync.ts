import type { Channel } from "phoenix";
import { CatchUp, type CaughtUp } from "./catch-up.ts";
import type { Conversation } from "./conversation.ts";
import { ConversationTopic } from "./conversation-topic.ts";
import type { Conversations } from "./conversations.ts";
import { type ChangeEvent, changeEvents, Incoming } from "./incoming.ts";
import type { Line } from "./line.ts";
import { Once } from "./once.ts";
import type { Unsent } from "./outbox.ts";
import type { People } from "./people.ts";
import { type Refusal, Refused, refusalOf } from "./refused.ts";
import type { Rest } from "./rest.ts";
import type {
  Availability,
  Changes,
  JoinedConversation,
  JoinedUser,
  Mark,
  Member,
  Message,
  Push,
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
  /** As others see it: one user has one, whatever tab or device said it. */
  readonly onOwnAvailability: (status: Availability) => void;
  readonly onCaughtUp: (caughtUp: CaughtUp) => void;
  readonly onChange: () => void;
}

/** Presence and typing are heard only where a topic is joined. The user's own topic brings everything else of all the others too. */
const mostTopics = 50;
const listPage = 100;
const historyPage = 50;
const changesPage = 500;

/**
 * Keeps the conversations of this device equal to the server's, in three ways: the list and history by REST, what was missed by the
 * cursors that each join brings, and what happens by pushes. A push whose `rev` is not the next one tells of a hole; the difference
 * since the last known `rev` fills it.
 */
export class Sync {
  readonly #options: SyncOptions;
  readonly #topics = new Map<string, ConversationTopic>();
  readonly #catchUp = new CatchUp();
  readonly #once = new Once();
  readonly #incoming: Incoming;
  /** The store's, as the server told it: cursors of another one are good for nothing. */
  #generation: number | null = null;
  #userChannel: Channel | null = null;

  constructor(options: SyncOptions) {
    this.#options = options;
    this.#incoming = new Incoming({
      ...options,
      catchUp: this.#catchUp,
      onStored: ({ id }, message) =>
        message.sender_id === options.userId && (this.#topics.get(id)?.outbox.stored(message) ?? false),
      onMessage: (conversation, message) => {
        this.#topics.get(conversation.id)?.stoppedTyping(message.sender_id);
        options.onMessage(conversation, message);
      },
      onLeft: (conversation) => this.#gone(conversation),
    });
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

  setAvailability(status: Availability, refused: (refusal: Refusal) => void): void {
    this.#userChannel
      ?.push("update_status", { status })
      .receive("error", (told: object) => refused(refusalOf(told)));
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
    return this.#once.run(`conversation ${id}`, async () => {
      const { rest, conversations, onChange } = this.#options;
      const { data } = await rest.get<Summary>(`/conversations/${id}`);
      this.topicOf(conversations.put(data));
      onChange();
    });
  }

  /** Its members, with their roles and when they were there last. */
  readMembers(conversation: Conversation): Promise<void> {
    return this.#once.run(`members ${conversation.id}`, async () => {
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
    return this.#once.run(`page ${conversation.id}`, async () => {
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
    const refresh = ({ conversation_id }: Push) => inBackground(this.refresh(conversation_id));
    channel.on("conversation_created", refresh);
    channel.on("message_unread", refresh);
    channel.on("conversation_read", refresh);
    channel.on("pending_messages", ({ messages }: Changes) => this.#takePending(messages));
    channel.on("caught_up", () => this.#isLive(this.#userTopic));
    channel.on("cursor_expired", ({ conversation_id }: Push) => this.#readAfresh(conversation_id));
    channel.on("delivery_status", (push: StatusPush) => this.#incoming.status(push));
    channel.on("message_read", (push: ReadPush) => {
      this.#incoming.marks(push.conversation_id, [readUpTo(push)]);
      this.#readElsewhere(push);
    });
    channel.join().receive("ok", (reply: JoinedUser) => this.#joinedUser(reply));
    this.#userChannel = channel;
  }

  /** On another device of one's own: how many are still unread is the server's to say. */
  #readElsewhere({ user_id, conversation_id }: ReadPush): void {
    const { userId, conversations } = this.#options;
    const isUnread = (conversations.get(conversation_id)?.unread ?? 0) > 0;
    if (user_id === userId && isUnread) inBackground(this.refresh(conversation_id));
  }

  /** Not resumed: the server's history is not the one that our cursors are of. */
  #joinedUser({ generation, resumed }: JoinedUser): void {
    const isFirst = this.#generation === null;
    this.#generation = generation;
    if (resumed || isFirst) return;
    for (const { id } of this.#options.conversations.all) this.#readAfresh(id);
  }

  #join(conversation: Conversation): ConversationTopic {
    const { line, userId, people, onOwnAvailability, onChange } = this.#options;
    const topic = new ConversationTopic(
      {
        conversation,
        line,
        userId,
        generation: () => this.#generation,
        onJoined: (reply) => this.#joined(conversation, reply),
        onPush: (event, payload) => this.#hear(event as ChangeEvent, payload),
        onStored: (message) => this.#incoming.message(conversation, message),
        onClosed: () => void this.#closed(conversation),
        onPresence: (present) => {
          people.present(conversation.id, present);
          const own = present.get(userId);
          if (own) onOwnAvailability(own);
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
    const isAsKnown = reply.head_rev === conversation.rev;
    this.#generation = reply.generation;
    if (reply.changes) this.#incoming.changes(conversation, reply.changes, reply.head_rev);
    else if (reply.resumed === false && !isAsKnown) this.#readAfresh(conversation.id);
    this.#incoming.marks(conversation.id, reply.marks ?? []);
    // A large group brings some of its marks; the others are of use where messages are seen.
    if (reply.marks_complete === false && conversation.log.isRead)
      inBackground(this.#readChanges(conversation, reply.head_rev));
    if (conversation.unread > 0) this.#topics.get(conversation.id)?.delivered(conversation.seq);
    this.#isLive(conversation.id);
    this.#fillHole(conversation);
  }

  #isLive(topic: string): void {
    const caughtUp = this.#catchUp.isLive(topic);
    if (caughtUp) this.#options.onCaughtUp(caughtUp);
  }

  #hear(event: ChangeEvent, push: Push & { readonly message?: Message }): void {
    const conversationId = push.conversation_id ?? push.message?.conversation_id;
    const conversation = this.#options.conversations.get(conversationId);
    // Made just now, or we were added to it: what it is comes with its topic.
    if (!conversation) return inBackground(this.refresh(conversationId));
    this.#incoming.hear(conversation, event, push);
    this.#fillHole(conversation);
  }

  /** Pages of the backlog: messages only, so that edits and members before them may still be unknown. */
  #takePending(messages: readonly Message[]): void {
    for (const message of messages) {
      const conversation = this.#options.conversations.get(message.conversation_id);
      if (conversation) {
        this.#incoming.message(conversation, message);
        conversation.hear(message.rev);
      } else inBackground(this.refresh(message.conversation_id));
    }
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
    const { conversations, people, onGone } = this.#options;
    if (!conversations.get(conversation.id)) return;
    this.#topics.get(conversation.id)?.leave();
    this.#topics.delete(conversation.id);
    conversations.remove(conversation.id);
    people.forgetPresence(conversation.id);
    onGone(conversation);
  }

  /** Whatever is missing between what we know and what we heard of. A join that is under way brings it anyway. */
  #fillHole(conversation: Conversation): void {
    if (!conversation.hasHole || this.#topics.get(conversation.id)?.isJoining) return;
    const fill = async () => {
      // What is heard while one reads may lie beyond what was read.
      for (let before = -1; conversation.hasHole && conversation.rev > before; ) {
        before = conversation.rev;
        await this.#readChanges(conversation, before);
      }
    };
    inBackground(this.#once.run(`hole ${conversation.id}`, fill));
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
        this.#incoming.changes(conversation, data, meta.next_since);
        this.#incoming.marks(conversation.id, meta.marks);
        since = meta.next_since;
        hasMore = meta.has_more;
      }
    } catch (error) {
      const isExpired = error instanceof Refused && error.refusal.reason === "cursor_expired";
      if (!isExpired) throw error;
      this.#readAfresh(conversation.id);
    }
  }

  /** The server cannot tell the difference: what is held is dropped and read again. */
  #readAfresh(id: string): void {
    const { rest, conversations } = this.#options;
    const read = async () => {
      const heardRev = conversations.get(id)?.heardRev;
      const { data } = await rest.get<Summary>(`/conversations/${id}`);
      const conversation = conversations.put(data);
      const wasRead = conversation.log.isRead;
      const hasMoved = conversation.heardRev !== heardRev;
      conversation.restart(data);
      if (hasMoved) await this.#readChanges(conversation, conversation.rev);
      if (wasRead) await this.readNewest(conversation);
      this.#options.onChange();
    };
    inBackground(this.#once.run(`afresh ${id}`, read));
  }
}

interface ReadPush extends Push {
  readonly user_id: string;
  readonly seq: number;
}

function readUpTo({ user_id, seq }: ReadPush): Mark {
  return { user_id, delivered_seq: seq, read_seq: seq };
}

/** Nobody waits for it. When it fails the line is away, and the next join brings the same. */
function inBackground(read: Promise<void>): void {
  read.catch(() => {});
}
