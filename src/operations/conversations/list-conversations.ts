import { Type } from "@sinclair/typebox";
import { costs } from "../../core/limits/costs.ts";
import { isRejection } from "../../core/rejection.ts";
import { query } from "../query.ts";
import { integer, limit, readQuery, text } from "../query-fields.ts";
import { summarySchema, summaryText } from "../views/conversation.ts";
import { closed, count } from "../views/schemas.ts";

/** Lists are for people; who needs more conversations than this pages by something else. */
const maxOffset = 100_000;

const fields = {
  limit: limit(100, 50),
  offset: integer({
    highest: maxOffset,
    absent: 0,
    description: "How many conversations to leave out first.",
  }),
  include_archived: text(Type.String({ description: "Accepted; archiving comes with a later version." })),
};

export const listConversations = query({
  name: "list_conversations",
  summary: "Lists your conversations, the most recently active first.",
  costs: costs.read,
  refuses: [],
  method: "GET",
  path: "/conversations",
  query: fields,
  replies: {
    200: {
      summary: "A page of conversations.",
      data: Type.Array(summarySchema),
      meta: closed({
        count: count("How many the page has."),
        limit: count("The limit that was used."),
        offset: count("The offset that was used."),
        has_more: Type.Boolean(),
      }),
    },
  },
  async answer({ caller: { userId: viewerId }, query }, { queries }) {
    const read = readQuery(fields, query);
    if (isRejection(read)) return read;
    const { limit, offset } = read;
    const page = await queries.list({ type: "list_conversations", viewerId, limit, offset });
    if (isRejection(page)) return page;
    const { summaries, hasMore } = page;
    const meta = `{"count":${summaries.length},"limit":${limit},"offset":${offset},"has_more":${hasMore}}`;
    return { status: 200, data: `[${summaries.map(summaryText).join()}]`, meta };
  },
});
