import type { Event } from "../events.ts";
import { type Message, sizeOfMessage } from "../messages/message.ts";

/** The frames of an event for a socket that has joined both the topic of the conversation and that of its user. */
interface Pushed {
  /** Frames: an edit has two names, and each name goes to both topics. */
  readonly frames: number;
  /** Bytes of each frame. */
  readonly bytes: number;
}

/** The fields around what clients wrote, ids and times, in one frame. Seen: 330 to 560. */
const frameBytes = 500;
/** The bytes of each further member whom one frame names. */
const idBytes = 39;

/** Bytes that these events of one command are on one socket that hears all of them. An estimate from above for all but quotes and ids. */
export function pushedBytes(events: readonly Event[]): number {
  let bytes = 0;
  let named: Event["type"] | null = null;
  for (const event of events) {
    const pushed = pushedOf(event);
    // Members whom one command changes alike are named in one frame.
    bytes += named === event.type && "member" in event ? 2 * idBytes : pushed.frames * pushed.bytes;
    named = event.type;
  }
  return bytes;
}

function pushedOf(event: Event): Pushed {
  switch (event.type) {
    case "message_sent":
      return { frames: 2, bytes: frameBytes + encodedSize(event) };
    case "message_edited":
    case "media_attached":
      return { frames: 4, bytes: frameBytes + encodedSize(event.message) };
    case "message_deleted":
      return { frames: 2, bytes: frameBytes + encodedSize(event.message) };
    case "conversation_changed":
      return { frames: 2, bytes: frameBytes + event.conversation.metadata.length };
    case "request_declined":
      return { frames: 4, bytes: frameBytes };
    case "member_took_part":
    case "conversation_deactivated":
      return { frames: 0, bytes: 0 };
    default:
      return { frames: 2, bytes: frameBytes };
  }
}

/** Counts shorter contents twice instead of encoding them: most messages are shorter, and this runs for each of them. */
const shortContent = 512;

/** Bytes of what clients wrote in a message, as JSON: a control character takes six. */
function encodedSize(message: Message): number {
  const { content } = message;
  const size = sizeOfMessage(message);
  if (content.length <= shortContent) return size + content.length;
  return Buffer.byteLength(JSON.stringify(content)) + size - content.length;
}
