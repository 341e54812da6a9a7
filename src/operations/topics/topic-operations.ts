import { type TSchema, Type } from "@sinclair/typebox";
import { type Costs, costs } from "../../core/limits/costs.ts";
import type { RefusalCode } from "../../core/rejection.ts";
import { changesSchema } from "../views/changes.ts";
import { bareConversationSchema } from "../views/conversation.ts";
import { marksSchema } from "../views/marks.ts";
import { closed, count, nullable, userIdField } from "../views/schemas.ts";
import { joinBytes, joinConversationSchema, joinUserSchema } from "./join-payload.ts";
import type { TopicKind } from "./topics.ts";

/** An operation of the protocol itself on a topic: `phx_join` or `phx_leave`. `web/realtime` implements them. */
export interface TopicOperation {
  readonly name: string;
  readonly summary: string;
  readonly description?: string;
  readonly costs: Costs;
  readonly refuses: readonly RefusalCode[];
  /** Null: topics of all kinds. */
  readonly topic: TopicKind | null;
  readonly event: "phx_join" | "phx_leave";
  readonly payload: TSchema;
  readonly reply: TSchema;
  /** Bytes of its frame; null: as large as any. */
  readonly maxFrameBytes: number | null;
}

const generation = count(
  "Of the server's history. Keep it beside your cursors, and bring it with the next join.",
);

export const joinConversation: TopicOperation = {
  name: "join_conversation",
  summary: "Joins the topic of a conversation, which brings its messages as they are sent.",
  description:
    "With since_seq and since_rev, the reply brings what changed since then where that is little (resumed is true); otherwise read it page by " +
    "page at /conversations/{id}/changes.",
  costs: costs.join,
  refuses: ["not_authorized"],
  topic: "conversation",
  event: "phx_join",
  payload: joinConversationSchema,
  maxFrameBytes: joinBytes,
  reply: closed({
    conversation: bareConversationSchema,
    head_seq: count("The seq of the newest message."),
    head_rev: count("The newest revision."),
    generation,
    resumed: Type.Optional(
      Type.Boolean({ description: "Where the join brought a cursor: changes holds all that came since." }),
    ),
    changes: Type.Optional(changesSchema),
    marks: Type.Optional(marksSchema),
    marks_complete: Type.Optional(
      Type.Literal(false, { description: "The group is large, and marks holds only some members." }),
    ),
  }),
};

export const joinUser: TopicOperation = {
  name: "join_user",
  summary: "Joins your own topic, which brings everything of all your conversations.",
  description:
    "With a device in the token, messages that this device has not confirmed come first (pending_messages), and caught_up when all have come.",
  costs: costs.join,
  refuses: ["unauthorized"],
  topic: "user",
  event: "phx_join",
  payload: joinUserSchema,
  maxFrameBytes: null,
  reply: closed({
    user_id: userIdField,
    device_id: nullable(Type.String(), "Of the token."),
    generation,
    resumed: Type.Boolean({
      description: "False: the device starts at the newest messages, and reads older ones over REST.",
    }),
  }),
};

export const leaveTopic: TopicOperation = {
  name: "leave_topic",
  summary: "Leaves a topic.",
  costs: costs.leave,
  refuses: [],
  topic: null,
  event: "phx_leave",
  payload: Type.Object({}),
  maxFrameBytes: 1_024,
  reply: closed({}),
};

export const topicOperations: readonly TopicOperation[] = [joinConversation, joinUser, leaveTopic];
