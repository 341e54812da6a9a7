import type { Command } from "../../core/commands.ts";
import type { MemberChanged } from "../../core/conversations/member-changed.ts";
import type { Event } from "../../core/events.ts";
import type { Message } from "../../core/messages/message.ts";
import type { Change } from "../../core/ports/commit.ts";
import type { Observer } from "../../core/ports/observer.ts";
import type { PubSub } from "../../core/ports/pubsub.ts";
import { securityNoteOf } from "../../core/security-trail.ts";

/** Announces durable changes to the listeners of the conversation, to the marks of its members, and to the security log. */
export class Announcements {
  readonly #pubsub: Pick<PubSub, "publish">;
  readonly #observer: Pick<Observer, "security">;
  readonly #sent: (message: Message) => void;
  readonly #left: (event: MemberChanged) => void;

  constructor(options: {
    readonly pubsub: Pick<PubSub, "publish">;
    readonly observer: Pick<Observer, "security">;
    /** A message was stored: its sender has read. */
    readonly sent: (message: Message) => void;
    /** A membership has ended, also by a block: its marks move no more. */
    readonly left: (event: MemberChanged) => void;
  }) {
    this.#pubsub = options.pubsub;
    this.#observer = options.observer;
    this.#sent = options.sent;
    this.#left = options.left;
  }

  stored(command: Command, change: Change): void {
    const { conversationId, rev, membersRev, members, events } = change;
    this.#pubsub.publish({ type: "changes", conversationId, rev, membersRev, members, events });
    for (const event of events) {
      if (event.type === "message_sent") this.#sent(event);
      else this.#noteChange(command, event);
    }
  }

  #noteChange(command: Command, event: Event): void {
    if ("member" in event && event.member.leftSeq !== null) this.#left(event);
    const note = securityNoteOf(command, event);
    if (note) this.#observer.security(note.event, note.fields);
  }
}
