import type { Message } from "../../core/messages/message.ts";
import { messageText } from "./message.ts";

/**
 * Encodes each message once per process: a stored message is broadcast and answered to its sender in the same tick, so the
 * text that was made last is the one asked for again. Remembering more than one would only cost memory.
 */
export class MessageTexts {
  #message: Message | null = null;
  #text = "";

  /** The JSON text of the message. The same object gives the same text: messages are immutable. */
  of(message: Message): string {
    if (message !== this.#message) {
      this.#text = messageText(message);
      this.#message = message;
    }
    return this.#text;
  }
}
