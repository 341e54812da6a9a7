import { Type } from "@sinclair/typebox";
import { noSuchConversation } from "../../core/access.ts";
import { costs } from "../../core/limits/costs.ts";
import type { Changes } from "../../core/ports/sync-reads.ts";
import { isRejection } from "../../core/rejection.ts";
import { query } from "../query.ts";
import { integer, limit, readQuery } from "../query-fields.ts";
import { readUuid } from "../uuid.ts";
import { changesSchema, changesText } from "../views/changes.ts";
import { marksSchema, marksText } from "../views/marks.ts";
import { closed, count } from "../views/schemas.ts";

const fields = {
  since: integer({ absent: 0, description: "The revision that you know; 0: from the beginning." }),
  limit: limit(500, 100),
  generation: integer({ absent: null, description: "The generation that came with the revision." }),
};

export const readChanges = query({
  name: "read_changes",
  summary: "Reads what changed in a conversation since a revision.",
  description:
    "New and changed messages, memberships and the conversation itself, as they are now, in the order of revisions. Refused as cursor_expired " +
    "where the revision cannot be resumed from: then read the conversation afresh.",
  costs: costs.read,
  refuses: ["not_found", "cursor_expired"],
  method: "GET",
  path: "/conversations/:id/changes",
  query: fields,
  replies: {
    200: {
      summary: "A page of changes.",
      data: changesSchema,
      meta: closed({
        next_since: count("Where the next page starts."),
        head_rev: count("The newest revision."),
        has_more: Type.Boolean(),
        marks: marksSchema,
        generation: count("Keep it beside the revision, and bring it with the next request."),
      }),
    },
  },
  async answer({ caller: { userId: viewerId }, params, query }, { queries }) {
    const conversationId = readUuid(params.id);
    if (!conversationId) return noSuchConversation;
    const read = readQuery(fields, query);
    if (isRejection(read)) return read;
    const { since: sinceRev, limit, generation } = read;
    const asked = { viewerId, conversationId, sinceRev, generation, limit };
    const page = await queries.changes({ type: "read_changes", ...asked });
    if (isRejection(page)) return page;
    return { status: 200, data: changesText(page), meta: metaOf(page) };
  },
});

function metaOf({ next, head, hasMore, marks, generation }: Changes): string {
  return (
    `{"next_since":${next.rev},"head_rev":${head?.rev ?? next.rev},"has_more":${hasMore},` +
    `"marks":${marksText(marks)},"generation":${generation}}`
  );
}
