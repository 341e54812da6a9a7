import { noSuchConversation } from "../../core/access.ts";
import { costs } from "../../core/limits/costs.ts";
import { query } from "../query.ts";
import { readUuid } from "../uuid.ts";
import { shown, shownDoc } from "./shown.ts";

export const showConversation = query({
  name: "show_conversation",
  summary: "Shows a conversation with its members and its newest message.",
  costs: costs.read,
  refuses: ["not_found"],
  method: "GET",
  path: "/conversations/:id",
  replies: { 200: shownDoc("The conversation.") },
  async answer({ caller, params }, on) {
    const conversationId = readUuid(params.id);
    return conversationId ? shown(on, caller.userId, conversationId) : noSuchConversation;
  },
});
