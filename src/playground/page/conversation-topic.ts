import { type Channel, Presence } from "phoenix";
import type { Conversation } from "./conversation.ts";
import type { Line } from "./line.ts";
import { Outbox } from "./outbox.ts";
import type { Told } from "./refused.ts";
import type { Availability, JoinedConversation, Message, TypingPush } from "./wire.ts";

export interface ConversationTopicOptions {
  readonly conversation: Conversation;
  readonly line: Line;
  readonly userId: string;
  /** The store's, as the user's topic told it; null: not yet. */
  readonly generation: () => number | null;
  readonly onJoined: (reply: JoinedConversation) => void;
  readonly onPush: (event: string, payload: never) => void;
  readonly onStored: (message: Message) => void;
  /** The server ended the topic: one is no member any more, or as a stranger. */
  readonly onClosed: () => void;
  readonly onPresence: (present: ReadonlyMap<string, Availability>) => void;
  readonly onChange: () => void;
}

/** Passed on by the server at most once in this time. */
const typingPaceMs = 2_000;
/** A typist who was cut off says no more; the server ends it after 5 s, this is for when even that is lost. */
const typingEndsMs = 7_000;

/** `conversation:<id>`: what is written goes out here, and typing and presence come in. */
export class ConversationTopic {
  readonly outbox: Outbox;
  readonly #options: ConversationTopicOptions;
  readonly #channel: Channel;
  readonly #typingTimers = new Map<string, number>();
  #toldTypingAtMs = 0;
  #readSeq = 0;
  #toldReadSeq = 0;
  #isLeft = false;

  constructor(options: ConversationTopicOptions, events: readonly string[]) {
    const { conversation, line, userId } = options;
    this.#options = options;
    this.#channel = line.channel(`conversation:${conversation.id}`, () => this.#cursor());
    this.outbox = new Outbox({
      key: `outbox:${userId}:${conversation.id}`,
      sender: { canSend: () => this.isJoined, push: (payload, told) => this.#send(payload, told) },
      onStored: options.onStored,
      onChange: options.onChange,
    });
    for (const event of events) this.#channel.on(event, (payload) => options.onPush(event, payload as never));
    this.#channel.on("user_typing", (push: TypingPush) => this.#typing(push.user_id, push.typing));
    this.#channel.onError(() => this.outbox.lineChanged());
    this.#channel.onClose(() => {
      if (!this.#isLeft) options.onClosed();
    });
    const presence = new Presence(this.#channel);
    presence.onSync(() => options.onPresence(new Map(presence.list(availability))));
  }

  get isJoined(): boolean {
    return this.#channel.state === "joined";
  }

  get isJoining(): boolean {
    return this.#channel.state === "joining";
  }

  /** Now, and by itself whenever the line comes back: then with the cursor of that moment. */
  join(): void {
    this.#channel
      .join()
      .receive("ok", (reply: JoinedConversation) => {
        this.#options.onJoined(reply);
        this.#tellRead();
        this.outbox.lineChanged();
      })
      // Final: the client would join again for ever. What closes the channel looks whether the conversation is gone.
      .receive("error", ({ reason }: Told) => void (reason === "not_authorized" && this.#channel.leave()));
  }

  leave(): void {
    this.#isLeft = true;
    this.#channel.leave();
  }

  /** Told until the server has answered: at once, and with each join after the line was away. */
  read(seq: number): void {
    this.#readSeq = Math.max(this.#readSeq, seq);
    this.#tellRead();
  }

  #tellRead(): void {
    const seq = this.#readSeq;
    if (!this.isJoined || seq <= this.#toldReadSeq) return;
    this.#channel.push("message_read", { seq }).receive("ok", () => {
      this.#toldReadSeq = Math.max(this.#toldReadSeq, seq);
    });
  }

  /** What came over the socket counts as delivered by itself; this is for what was read by REST. */
  delivered(seq: number): void {
    if (this.isJoined) this.#channel.push("message_delivered", { seq });
  }

  typing(isTyping: boolean): void {
    const nowMs = Date.now();
    const isSoon = nowMs - this.#toldTypingAtMs < typingPaceMs;
    if (!this.isJoined || (isTyping ? isSoon : this.#toldTypingAtMs === 0)) return;
    this.#toldTypingAtMs = isTyping ? nowMs : 0;
    this.#channel.push("user_typing", { typing: isTyping });
  }

  /** Whoever sent something has stopped typing. */
  stoppedTyping(userId: string): void {
    this.#typing(userId, false);
  }

  /** With what is known, so that the reply brings the difference. */
  #cursor(): object {
    const { seq, rev } = this.#options.conversation;
    return { since_seq: seq, since_rev: rev, generation: this.#options.generation() };
  }

  #send(
    payload: object,
    told: {
      readonly ok: (message: Message) => void;
      readonly error: (told: object) => void;
      readonly timeout: () => void;
    },
  ): void {
    this.#toldTypingAtMs = 0;
    this.#channel
      .push("new_message", payload)
      .receive("ok", ({ message }: { message: Message }) => told.ok(message))
      .receive("error", told.error)
      .receive("timeout", told.timeout);
  }

  #typing(userId: string, isTyping: boolean): void {
    const { typing } = this.#options.conversation;
    clearTimeout(this.#typingTimers.get(userId));
    if (isTyping) typing.add(userId);
    else typing.delete(userId);
    if (isTyping)
      this.#typingTimers.set(
        userId,
        setTimeout(() => this.#typing(userId, false), typingEndsMs),
      );
    this.#options.onChange();
  }
}

function availability(
  userId: string,
  { metas }: { readonly metas: readonly { readonly status?: Availability }[] },
): readonly [string, Availability] {
  return [userId, metas[0]?.status ?? "online"];
}
