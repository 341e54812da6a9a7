import { Type } from "@sinclair/typebox";
import { noSuchConversation } from "../../core/access.ts";
import { costs } from "../../core/limits/costs.ts";
import { isRejection } from "../../core/rejection.ts";
import { query } from "../query.ts";
import { historyCursor, laterParameter, limit, readQuery } from "../query-fields.ts";
import { refusedField } from "../refused-field.ts";
import { readUuid } from "../uuid.ts";
import { messageSchema, seenTexts } from "../views/message.ts";
import { closed, conversationIdField, count } from "../views/schemas.ts";

const fields = {
  limit: limit(100, 50),
  before: historyCursor("Messages before this place."),
  after: historyCursor("Messages after this place; not together with before."),
  search: laterParameter(),
};

export const readHistory = query({
  name: "read_history",
  summary: "Reads the messages of a conversation, newest first.",
  description: "A page ends before it has more than 1 MB; has_more says whether there is more.",
  costs: costs.read,
  refuses: ["not_found"],
  method: "GET",
  path: "/conversations/:id/messages",
  query: fields,
  replies: {
    200: {
      summary: "A page of messages. Newest first, whichever cursor is given.",
      data: Type.Array(messageSchema),
      meta: closed({
        count: count("How many the page has."),
        total: count("How many the viewer may see in all."),
        conversation_id: conversationIdField,
        has_more: Type.Boolean(),
      }),
    },
  },
  async answer({ caller: { userId: viewerId }, params, query }, { queries }) {
    const conversationId = readUuid(params.id);
    if (!conversationId) return noSuchConversation;
    const read = readQuery(fields, query);
    if (isRejection(read)) return read;
    const { limit, before, after } = read;
    if (before && after) return refusedField("after", "must be left out beside before");
    const page = await queries.history({
      type: "read_history",
      viewerId,
      conversationId,
      limit,
      before,
      after,
    });
    if (isRejection(page)) return page;
    const { messages, total, hasMore } = page;
    const meta = `{"count":${messages.length},"total":${total},"conversation_id":"${conversationId}","has_more":${hasMore}}`;
    return { status: 200, data: seenTexts(messages), meta };
  },
});
