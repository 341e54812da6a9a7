import type { Member } from "../../core/conversations/conversation.ts";
import { changesMessage, type MessageChange } from "../../core/events.ts";
import type { Message, MessageSent } from "../../core/messages/message.ts";
import { asSeenFrom } from "../../core/messages/quote.ts";
import type { ChangeFrame, CreatedFrame, Frame, OwnFrame, TypingFrame } from "../../core/ports/pubsub.ts";
import type { Visibility } from "../../core/presence/visibility.ts";
import type { DeliveryListener } from "../../engine/sync/delivery.ts";
import type { WholeFrame } from "../../engine/sync/gap-reader.ts";
import { conversationChanged, conversationUpdated } from "../../operations/pushes/conversations.ts";
import { pushOfChange } from "../../operations/pushes/list.ts";
import type { MembersChanged } from "../../operations/pushes/members-updated.ts";
import { newMessage } from "../../operations/pushes/new-message.ts";
import { conversationRead, messageUnread } from "../../operations/pushes/own-state.ts";
import { userTyping } from "../../operations/pushes/presence.ts";
import { conversationTopic, userTopic } from "../../operations/topics/topics.ts";
import type { MessageTexts } from "../../operations/views/message-texts.ts";
import type { Sockets } from "../../phoenix/sockets.ts";
import { eventsTogether, type OtherEvent } from "./grouped-events.ts";
import { MarkBroadcasts } from "./mark-broadcasts.ts";
import { createdPushes, memberPushes, once, type Push } from "./member-pushes.ts";
import type { Presences } from "./presences.ts";
import type { FramePosition } from "./receivers.ts";
import type { Session } from "./session.ts";
import type { Typing } from "./typing.ts";

type Listeners = Pick<
  Sockets<Session>,
  "broadcast" | "broadcastFrom" | "hasListeners" | "pushWhere" | "unsubscribeWhere"
>;

/** A message on the wire, as somebody sees it. */
interface PushOfMessage {
  readonly names: readonly string[];
  readonly encode: (message: Message) => string;
}

interface ToldFrame extends WholeFrame {
  /** Some listeners may not have been members then. */
  readonly isLate: boolean;
  readonly position: FramePosition;
}

/**
 * Tells the sockets of this node what was stored: on the conversation's topic and on that of each of its members, who may
 * have other conversations open. Encoded once, and only when somebody listens.
 */
export class Broadcasts implements DeliveryListener {
  readonly #marks: MarkBroadcasts;
  readonly #sockets: Listeners;
  readonly #texts: MessageTexts;
  readonly #visibility: Visibility;
  readonly #typing: Pick<Typing, "isSource" | "sent">;
  readonly #presences: Pick<Presences, "membersChanged" | "created" | "apartChanged">;

  constructor(options: {
    readonly sockets: Listeners;
    readonly texts: MessageTexts;
    readonly visibility: Visibility;
    readonly typing: Pick<Typing, "isSource" | "sent">;
    readonly presences: Pick<Presences, "membersChanged" | "created" | "apartChanged">;
  }) {
    this.#sockets = options.sockets;
    this.#marks = new MarkBroadcasts(options);
    this.#texts = options.texts;
    this.#visibility = options.visibility;
    this.#typing = options.typing;
    this.#presences = options.presences;
  }

  published(frame: Exclude<Frame, ChangeFrame>): void {
    switch (frame.type) {
      case "apart":
        return this.#presences.apartChanged(frame);
      case "created":
        return this.#tellCreated(frame);
      case "marks":
        return this.#marks.tell(frame);
      case "own":
        return this.#tellOwn(frame);
      case "typing":
        return this.#tellTyping(frame);
    }
  }

  /** Former members hear nothing from here on, even when the frame that removed them was lost. */
  membersChanged(conversationId: string, members: ReadonlyMap<string, Member>): void {
    this.#sockets.unsubscribeWhere(conversationTopic(conversationId), ({ userId }) => !members.has(userId));
    this.#presences.membersChanged(conversationId, members);
  }

  changed(frame: WholeFrame, isLate: boolean): void {
    const told = { ...frame, isLate, position: positionOf(frame) };
    for (const each of eventsTogether(frame.events)) {
      if ("type" in each) this.#tellEvent(told, each);
      else this.#tellMembers(told, each);
    }
  }

  #tellMembers(frame: ToldFrame, events: MembersChanged): void {
    for (const { to, ...push } of memberPushes(frame, events)) {
      if (to === null) this.#push(frame, push);
      else for (const userId of to) this.#pushToUser(frame, userId, push);
    }
  }

  #tellEvent(frame: ToldFrame, event: OtherEvent): void {
    if (changesMessage(event)) return this.#tellChange(frame, event);
    switch (event.type) {
      case "message_sent":
        this.#tellSent(frame, event);
        return this.#typing.sent(event.conversationId, event.senderId);
      case "conversation_changed":
        return this.#push(frame, {
          names: conversationUpdated.names,
          encode: () => conversationUpdated.encode(event),
        });
      case "conversation_deactivated":
        // Nobody is left to hear of it.
        return;
    }
  }

  #tellChange(frame: ToldFrame, event: MessageChange): void {
    const { names, encode } = pushOfChange(event);
    const textOf = (message: Message) => this.#texts.of(message);
    this.#pushAsSeen(frame, event.message, { names, encode: (message) => encode(event, message, textOf) });
  }

  #tellSent(frame: ToldFrame, event: MessageSent): void {
    const { names } = newMessage;
    const encode = (message: Message) => newMessage.encode(this.#texts.of(message));
    if (event.replyTo) this.#pushAsSeen(frame, event, { names, encode });
    else this.#push(frame, { names, encode: () => encode(event) });
  }

  #push(frame: ToldFrame, push: Push): void {
    const { names, encode } = push;
    const { conversationId, members, position } = frame;
    let payload: string | undefined;
    const tell = (topic: string) => {
      if (!this.#sockets.hasListeners(topic)) return;
      payload ??= encode();
      for (const name of names) this.#sockets.broadcast(topic, name, payload, position);
    };
    const topic = conversationTopic(conversationId);
    if (frame.isLate) this.#pushWhere(frame, topic, push, ({ userId }) => members.has(userId));
    else tell(topic);
    for (const userId of members.keys()) tell(userTopic(userId));
  }

  /**
   * Sends to each member what they may see. A change of a message from before they joined is a number without content, and a reply to one from
   * before they joined does not show the quote.
   */
  #pushAsSeen(frame: ToldFrame, message: Message, push: PushOfMessage): void {
    const { names } = push;
    const { members } = frame;
    const whole: Push = { names, encode: once(() => push.encode(message)) };
    const unquoted: Push = { names, encode: once(() => push.encode(asSeenFrom(message, message.seq))) };
    const number: Push = {
      names: conversationChanged.names,
      encode: once(() => conversationChanged.encode(frame)),
    };
    const { seq, replyTo } = message;
    const quotedSeq = replyTo?.quote ? replyTo.seq : seq;
    const pushOf = (member: Member | undefined) => {
      if (!member || member.joinedSeq >= seq) return number;
      return member.joinedSeq < quotedSeq ? whole : unquoted;
    };
    if ([...members.values()].every((member) => pushOf(member) === whole)) return this.#push(frame, whole);
    const topic = conversationTopic(frame.conversationId);
    for (const each of [whole, unquoted, number])
      this.#pushWhere(frame, topic, each, ({ userId }) => pushOf(members.get(userId)) === each);
    for (const member of members.values()) this.#pushToUser(frame, member.userId, pushOf(member));
  }

  #pushWhere(
    { position }: ToldFrame,
    topic: string,
    { names, encode }: Push,
    match: (session: Session) => boolean,
  ): void {
    if (!this.#sockets.hasListeners(topic)) return;
    const payload = encode();
    for (const name of names) {
      this.#sockets.pushWhere(topic, name, payload, match, position);
    }
  }

  #pushToUser({ position }: ToldFrame, userId: string, { names, encode }: Push): void {
    const topic = userTopic(userId);
    if (!this.#sockets.hasListeners(topic)) return;
    const payload = encode();
    for (const name of names) {
      this.#sockets.broadcast(topic, name, payload, position);
    }
  }

  #tellCreated(frame: CreatedFrame): void {
    this.#presences.created(frame);
    for (const { to, names, encode } of createdPushes(frame))
      for (const userId of to) for (const name of names) this.#toUser(userId, name, encode);
  }

  #tellOwn(frame: OwnFrame): void {
    const { change } = frame;
    switch (change.type) {
      case "unread": {
        const push = change.from ? messageUnread : conversationRead;
        return this.#toUser(frame.userId, push.names[0], () => push.encode(frame, change));
      }
    }
  }

  /** The typist's other devices hear it, the device that they type on does not. */
  #tellTyping(frame: TypingFrame): void {
    const { conversationId, userId } = frame;
    const topic = conversationTopic(conversationId);
    if (!this.#sockets.hasListeners(topic)) return;
    const isSource = (session: Session) => this.#typing.isSource(session, conversationId, userId);
    const apart = this.#visibility.blocked.of(userId);
    if (apart.size === 0)
      return this.#sockets.broadcastFrom(topic, userTyping.names[0], userTyping.encode(frame), isSource);
    const hears = (session: Session) => !apart.has(session.userId) && !isSource(session);
    this.#sockets.pushWhere(topic, userTyping.names[0], userTyping.encode(frame), hears);
  }

  #toUser(userId: string, event: string, encode: () => string): void {
    const topic = userTopic(userId);
    if (this.#sockets.hasListeners(topic)) this.#sockets.broadcast(topic, event, encode());
  }
}

function positionOf({ conversationId: stream, rev: at, events }: ChangeFrame): FramePosition {
  const sent = events.findLast((event): event is MessageSent => event.type === "message_sent");
  return { stream, at, seq: sent?.seq ?? 0, senderId: sent?.senderId ?? "" };
}
