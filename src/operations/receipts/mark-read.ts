import { costs } from "../../core/limits/costs.ts";
import type { Operation } from "../operation.ts";
import { markDoor, markOf, wholeConversation } from "./marking.ts";

const topics = ["conversation", "user"] as const;

export const markRead: Operation = {
  name: "mark_read",
  summary: "Marks every message up to one as read by you.",
  description:
    "Marks only grow. The event mark_read may leave the message out: then the whole conversation is read.",
  costs: costs.mark,
  authorizedAs: ["mark"],
  refuses: ["not_found", "outcome_unknown"],
  rest: [],
  channel: [
    ...topics.map((topic) => markDoor(topic, "message_read", (body, asked) => markOf(body, "read", asked))),
    markDoor("conversation", "mark_read", (body, asked) => markOf(body, "read", asked, wholeConversation)),
  ],
};
