import type { ChangeFrame, CreatedFrame } from "../../core/ports/pubsub.ts";
import { conversationChanged, conversationCreated } from "../../operations/pushes/conversations.ts";
import { type MembersChanged, membersUpdated } from "../../operations/pushes/members-updated.ts";
import { conversationRequest, requestAccepted, requestDeclined } from "../../operations/pushes/requests.ts";

/** One event on the wire. */
export interface Push {
  readonly names: readonly string[];
  readonly encode: () => string;
}

/** `to`: the users on whose own topics it goes; null: on the topic of the conversation, and on those of all members of then. */
export interface MemberPush extends Push {
  readonly to: readonly string[] | null;
}

/** Returns what is pushed, in this order, of members whom one command changed alike. */
export function memberPushes(frame: ChangeFrame, events: MembersChanged): readonly MemberPush[] {
  const changed = { names: membersUpdated.names, encode: once(() => membersUpdated.encode(events)) };
  const gone = events.map(({ member }) => member.userId);
  switch (events[0].type) {
    case "member_removed":
      return [
        { ...changed, to: null },
        { ...changed, to: gone },
      ];
    case "member_added":
      return [{ ...changed, to: null }, ...requests(frame, events)];
    case "member_took_part":
      return numberOf(frame);
    case "request_accepted":
      return [{ ...answerOf(events), to: null }];
    case "request_declined":
      return [answerOf(events), changed].flatMap((push) => [
        { ...push, to: null },
        { ...push, to: gone },
      ]);
    default:
      return [{ ...changed, to: null }];
  }
}

/** Returns what is pushed of a new conversation: `conversation_request` to users who are asked first, `conversation_created` to the others. */
export function createdPushes({
  conversationId,
  creatorId,
  otherIds,
  askedIds,
}: CreatedFrame): readonly (Push & { readonly to: readonly string[] })[] {
  const asked = new Set(askedIds);
  const others = otherIds.filter((userId) => !asked.has(userId));
  return [
    {
      names: conversationCreated.names,
      encode: once(() => conversationCreated.encode(conversationId)),
      to: [creatorId, ...others],
    },
    {
      names: conversationRequest.names,
      encode: once(() => conversationRequest.encode(conversationId, creatorId)),
      to: askedIds,
    },
  ];
}

/** `conversation_request_accepted` or `conversation_request_declined`. */
function answerOf(events: MembersChanged): Push {
  const { names, encode } = events[0].type === "request_accepted" ? requestAccepted : requestDeclined;
  return { names, encode: once(() => encode(events)) };
}

function requests({ conversationId }: ChangeFrame, events: MembersChanged): readonly MemberPush[] {
  const asked = events.filter(({ member }) => member.pending === "request");
  if (asked.length === 0) return [];
  const encode = once(() => conversationRequest.encode(conversationId, events[0].actorId));
  return [{ names: conversationRequest.names, encode, to: asked.map(({ member }) => member.userId) }];
}

/** Nothing that others see has changed. If the revision holds nothing else, its number is pushed, so that receivers see no gap. */
function numberOf(frame: ChangeFrame): readonly MemberPush[] {
  if (frame.events.length > 1) return [];
  return [
    { names: conversationChanged.names, encode: once(() => conversationChanged.encode(frame)), to: null },
  ];
}

/** Encodes only when somebody listens, and then for all who do. */
export function once(encode: () => string): () => string {
  let text: string | undefined;
  return () => {
    text ??= encode();
    return text;
  };
}
