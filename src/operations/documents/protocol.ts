import type { PushDoc } from "../pushes/push.ts";
import { sampleIds } from "../sample-ids.ts";
import { type TopicKind, topicKinds, topicOf } from "../topics/topics.ts";
import { closed } from "../views/schemas.ts";
import type { TopicDoc } from "./channel-messages.ts";

/** The documentation of the protocol itself: `src/phoenix`. */

export const nothing = closed({});

export const topicDocs: Readonly<Record<TopicKind | "phoenix", TopicDoc>> = {
  conversation: {
    name: "conversation",
    summary: "One conversation, for its members.",
    address: topicOf("conversation", "{id}"),
    idOf: { what: "conversation", example: sampleIds.conversation },
  },
  user: {
    name: "user",
    summary: "Everything that concerns one user, for that user's own devices.",
    address: topicOf("user", "{id}"),
    idOf: { what: "user", example: sampleIds.alice },
  },
  phoenix: { name: "phoenix", summary: "The socket itself.", address: "phoenix", idOf: null },
};

export const protocolPushes: readonly PushDoc[] = [
  {
    names: ["phx_close"],
    topics: topicKinds,
    summary: "Ends the topic on this socket: it was left, or you are not a member any more.",
    payload: nothing,
  },
];
