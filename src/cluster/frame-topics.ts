import type { Frame, TopicKind } from "../core/ports/pubsub.ts";

export interface Topic {
  readonly kind: TopicKind;
  readonly id: string;
}

/**
 * Returns the topics on which a frame is published, each once: its conversation's, or those of the users whom it is about. What brings members
 * to a conversation also goes to them: their nodes may not have heard of it.
 */
export function topicsOf(frame: Frame): readonly Topic[] {
  switch (frame.type) {
    case "apart":
      return usersOf([frame.lowId, frame.highId]);
    case "created":
      return usersOf([frame.creatorId, ...frame.otherIds]);
    case "own":
      return usersOf([frame.userId]);
    case "changes":
      return [conversationOf(frame), ...usersOf(broughtBy(frame))];
    case "marks":
    case "typing":
      return [conversationOf(frame)];
  }
}

function broughtBy({ events }: Frame & { readonly type: "changes" }): readonly string[] {
  return events.flatMap((event) =>
    event.type === "member_added" || event.type === "member_unblocked" ? [event.member.userId] : [],
  );
}

function conversationOf({ conversationId: id }: { readonly conversationId: string }): Topic {
  return { kind: "conversation", id };
}

function usersOf(ids: readonly string[]): readonly Topic[] {
  return ids.map((id) => ({ kind: "user", id }));
}
