import type { MarkedMessage, MarkMoved } from "../../core/messages/marks.ts";
import type { MarksFrame } from "../../core/ports/pubsub.ts";
import type { Blocked, Visibility } from "../../core/presence/visibility.ts";
import { deliveryStatus, messageRead, type ReadMessage } from "../../operations/pushes/receipts.ts";
import { conversationTopic, userTopic } from "../../operations/topics/topics.ts";
import type { Sockets } from "../../phoenix/sockets.ts";
import type { Session } from "./session.ts";

/**
 * Publishes marks that moved. Authors get the status of each of their messages and who has read them, readers get their own position on
 * their other devices, and the conversation's topic gets who has read how far.
 */
export class MarkBroadcasts {
  readonly #sockets: Pick<Sockets<Session>, "broadcast" | "hasListeners" | "pushWhere">;
  readonly #blocked: Blocked;

  constructor(options: {
    readonly sockets: Pick<Sockets<Session>, "broadcast" | "hasListeners" | "pushWhere">;
    readonly visibility: Pick<Visibility, "blocked">;
  }) {
    this.#sockets = options.sockets;
    this.#blocked = options.visibility.blocked;
  }

  tell(frame: MarksFrame): void {
    for (const change of frame.statuses) {
      if (this.#isHidden(frame, change.message.senderId)) continue;
      this.#push(userTopic(change.message.senderId), deliveryStatus.names[0], () =>
        deliveryStatus.encode(frame, change, this.#blocked.of(change.message.senderId)),
      );
    }
    for (const moved of frame.moved) if (moved.readTo > moved.readFrom) this.#tellRead(frame, moved);
  }

  #tellRead(frame: MarksFrame, moved: MarkMoved): void {
    for (const [senderId, message] of newestBySender(frame, moved.readTo)) {
      if (senderId !== moved.userId && !this.#blocked.areApart(senderId, moved.userId))
        this.#pushRead(userTopic(senderId), frame, moved, message);
    }
    this.#tellOwn(frame, moved);
    this.#tellTopic(frame, moved);
  }

  /** Clears what was read on the reader's other devices. A sender's devices get the message that they sent anyway. */
  #tellOwn(frame: MarksFrame, moved: MarkMoved): void {
    const newest = frame.messages.find(({ seq }) => seq <= moved.readTo);
    if (newest && newest.senderId !== moved.userId)
      this.#pushRead(userTopic(moved.userId), frame, moved, newest);
  }

  /** Skips marks that moved only over the reader's own messages: nothing new was read. */
  #tellTopic(frame: MarksFrame, moved: MarkMoved): void {
    const isNew = ({ seq, senderId }: MarkedMessage) =>
      seq > moved.readFrom && seq <= moved.readTo && senderId !== moved.userId;
    const newest = frame.messages.find(isNew);
    if (!newest) return;
    // Members who joined after a message must not learn its id.
    const message = newest.seq > frame.lastJoinedSeq ? newest : { ...newest, id: null };
    const topic = conversationTopic(frame.conversationId);
    const apart = this.#blocked.of(moved.userId);
    if (apart.size === 0) return this.#pushRead(topic, frame, moved, message);
    const text = messageRead.encode(frame, moved, message);
    this.#sockets.pushWhere(topic, messageRead.names[0], text, ({ userId }) => !apart.has(userId));
  }

  /** Whether a block separates the author from all who moved: the push would tell the author that they are there. */
  #isHidden({ moved }: MarksFrame, authorId: string): boolean {
    const apart = this.#blocked.of(authorId);
    return apart.size > 0 && moved.every(({ userId }) => apart.has(userId));
  }

  #pushRead(topic: string, frame: MarksFrame, moved: MarkMoved, message: ReadMessage): void {
    this.#push(topic, messageRead.names[0], () => messageRead.encode(frame, moved, message));
  }

  #push(topic: string, event: string, encode: () => string): void {
    if (this.#sockets.hasListeners(topic)) this.#sockets.broadcast(topic, event, encode());
  }
}

/** The newest message of each sender, among those that the marks moved over. */
function newestBySender({ messages }: MarksFrame, readTo: number): ReadonlyMap<string, MarkedMessage> {
  const newest = new Map<string, MarkedMessage>();
  for (const message of messages) {
    if (message.seq <= readTo && !newest.has(message.senderId)) newest.set(message.senderId, message);
  }
  return newest;
}
