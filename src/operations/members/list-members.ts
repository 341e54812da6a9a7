import { Type } from "@sinclair/typebox";
import { noSuchConversation } from "../../core/access.ts";
import { costs } from "../../core/limits/costs.ts";
import { isRejection } from "../../core/rejection.ts";
import { query } from "../query.ts";
import { readUuid } from "../uuid.ts";
import { seenMemberSchema, seenMemberTexts } from "../views/member.ts";
import { closed, conversationIdField, count } from "../views/schemas.ts";

export const listMembers = query({
  name: "list_members",
  summary: "Lists the members of a conversation, with who is online.",
  costs: costs.read,
  refuses: ["not_found"],
  method: "GET",
  path: "/conversations/:id/members",
  replies: {
    200: {
      summary: "All present members.",
      data: Type.Array(seenMemberSchema),
      meta: closed({ conversation_id: conversationIdField, count: count("How many there are.") }),
    },
  },
  async answer({ caller: { userId: viewerId }, params }, { queries, presence, visibility }) {
    const conversationId = readUuid(params.id);
    if (!conversationId) return noSuchConversation;
    const members = await queries.members({ type: "list_members", viewerId, conversationId });
    if (isRejection(members)) return members;
    const meta = `{"conversation_id":"${conversationId}","count":${members.length}}`;
    const data = seenMemberTexts(members, (member) =>
      visibility.maySee(viewerId, member) ? presence.isOnline(member.userId) : null,
    );
    return { status: 200, data, meta };
  },
});
