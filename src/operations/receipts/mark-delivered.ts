import { costs } from "../../core/limits/costs.ts";
import type { Operation } from "../operation.ts";
import { markDoor, markOf } from "./marking.ts";

const topics = ["conversation", "user"] as const;

export const markDelivered: Operation = {
  name: "mark_delivered",
  summary: "Marks every message up to one as delivered to you.",
  description:
    "Marks only grow. Devices that join their user's topic need not send it: what their socket received is marked by itself.",
  costs: costs.mark,
  authorizedAs: ["mark"],
  refuses: ["not_found", "outcome_unknown"],
  rest: [],
  channel: topics.map((topic) =>
    markDoor(topic, "message_delivered", (body, asked) => markOf(body, "delivered", asked)),
  ),
};
