import type { Event } from "../core/events.ts";
import type { Frame, PubSub } from "../core/ports/pubsub.ts";
import type { Sockets } from "../phoenix/sockets.ts";
import type { MessageTexts } from "./message-texts.ts";
import type { Session } from "./session.ts";

type Listeners = Pick<Sockets<Session>, "broadcast" | "hasListeners">;

/**
 * Tells the sockets of this node what was stored: on the conversation's topic and on that of each of its members, who may
 * have other conversations open. Encoded once, and only when somebody listens.
 */
export class Broadcasts {
  readonly #sockets: Listeners;
  readonly #texts: MessageTexts;

  constructor(options: {
    readonly pubsub: PubSub;
    readonly sockets: Listeners;
    readonly texts: MessageTexts;
  }) {
    this.#sockets = options.sockets;
    this.#texts = options.texts;
    options.pubsub.subscribe((frame) => this.#tell(frame));
  }

  #tell(frame: Frame): void {
    for (const event of frame.events) this.#tellEvent(frame, event);
  }

  #tellEvent(frame: Frame, event: Event): void {
    switch (event.type) {
      case "message_sent":
        return this.#push(frame, "new_message", () => `{"message":${this.#texts.of(event)}}`);
    }
  }

  #push(frame: Frame, name: string, encode: () => string): void {
    let payload: string | undefined;
    const position = { stream: frame.conversationId, at: frame.rev };
    const tell = (topic: string) => {
      if (!this.#sockets.hasListeners(topic)) return;
      payload ??= encode();
      this.#sockets.broadcast(topic, name, payload, position);
    };
    tell(`conversation:${frame.conversationId}`);
    for (const userId of frame.audience) tell(`user:${userId}`);
  }
}
