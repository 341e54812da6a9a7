import { Type } from "@sinclair/typebox";
import { noSuchConversation } from "../../core/access.ts";
import { costs } from "../../core/limits/costs.ts";
import { query } from "../query.ts";
import { readUuid } from "../uuid.ts";
import { closed, conversationIdField } from "../views/schemas.ts";

export const allowReadding = query({
  name: "allow_readding",
  summary: "Lets members add you again to a group that you left.",
  description: "Nobody may for 24 h after you left.",
  costs: costs.ownChange,
  refuses: ["not_found"],
  method: "POST",
  path: "/conversations/:id/allow-readding",
  replies: {
    200: {
      summary: "Members may add you again.",
      data: closed({ conversation_id: conversationIdField, readding_allowed: Type.Literal(true) }),
      meta: closed({}),
    },
  },
  async answer({ caller: { userId }, params }, { queries }) {
    const conversationId = readUuid(params.id);
    if (!conversationId) return noSuchConversation;
    const refusal = await queries.allowReadding({ type: "allow_readding", userId, conversationId });
    if (refusal) return refusal;
    return { status: 200, data: `{"conversation_id":"${conversationId}","readding_allowed":true}` };
  },
});
