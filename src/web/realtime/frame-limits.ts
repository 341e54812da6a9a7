import { operations } from "../../operations/list.ts";
import { topicOperations } from "../../operations/topics/topic-operations.ts";
import { kindOfTopic } from "../../operations/topics/topics.ts";
import { type FrameLimit, smallFrame } from "../../phoenix/frame-reader.ts";

/** The most bytes of JSON text for one byte that is kept: `\u0001`. */
const bytesPerKeptByte = 6;

const doors = operations.flatMap(({ channel }) => channel);

/** How large a frame may be by its event. Joins of `user:<id>` may bring a cursor for each of many thousand conversations. */
export function frameLimitOf(settings: {
  readonly phoenix: { readonly maxFrameBytes: number };
  readonly payloads: { readonly maxMetadataBytes: number };
}): FrameLimit {
  const { maxFrameBytes } = settings.phoenix;
  // What brings content is bounded by the frame alone: content and metadata, each character written as six.
  const sizes = {
    content: maxFrameBytes,
    metadata: smallFrame + bytesPerKeptByte * settings.payloads.maxMetadataBytes,
  };
  const byEvent = new Map(
    doors.flatMap(({ events, frame }) =>
      frame ? events.map((event) => [event, sizes[frame]] as const) : [],
    ),
  );
  return (topic, event) => {
    const ofEvent = byEvent.get(event);
    if (ofEvent !== undefined) return ofEvent;
    const kind = kindOfTopic(topic);
    const ofTopic = topicOperations.find((each) => each.event === event && each.topic === kind);
    return ofTopic ? (ofTopic.maxFrameBytes ?? maxFrameBytes) : event === "phx_join" ? otherJoin : smallFrame;
  };
}

/** The limit for joins of unknown topics: they are refused, and may be as large as those of a conversation. */
const otherJoin = topicOperations[0]!.maxFrameBytes!;
