import { type FrameLimit, smallFrame } from "../../phoenix/frame-reader.ts";
import type { PayloadLimits } from "../payloads/limits.ts";
import { userTopic } from "./topics.ts";

/** What these bring is bounded by the frame alone: the content and metadata of a message, each character written as six. */
const contentEvents: ReadonlySet<string> = new Set(["new_message", "send_message", "edit_message"]);
/** Of JSON text, for a byte that is kept: `\u0001`. */
const bytesPerKeptByte = 6;
/** Clients put the parameters of their channels into joins, access tokens among them. */
const joinBytes = 16_384;

/** How large a frame may be by its event. Joins of `user:<id>` may bring a cursor for each of many thousand conversations. */
export function frameLimitOf(settings: {
  readonly phoenix: { readonly maxFrameBytes: number };
  readonly payloads: Pick<PayloadLimits, "maxMetadataBytes">;
}): FrameLimit {
  const { maxFrameBytes } = settings.phoenix;
  const metadataBytes = smallFrame + bytesPerKeptByte * settings.payloads.maxMetadataBytes;
  return (topic, event) => {
    if (contentEvents.has(event)) return maxFrameBytes;
    if (event === "phx_join") return topic.startsWith(userTopic) ? maxFrameBytes : joinBytes;
    return event === "update_conversation" ? metadataBytes : smallFrame;
  };
}
