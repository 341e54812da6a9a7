import { noSuchConversation } from "../../core/authorize.ts";
import type { Changes } from "../../core/ports/sync-reads.ts";
import { isRejection, type Rejection } from "../../core/rejection.ts";
import type { Queries } from "../domain.ts";
import { dataResponse } from "../http/json-response.ts";
import { readChangesLimit, readGeneration, readSince } from "../paging.ts";
import { readUuid } from "../uuid.ts";
import { changesText } from "../views/changes.ts";
import { marksText } from "../views/marks.ts";
import type { Call, Route } from "./route.ts";

export interface ChangesOptions {
  readonly queries: Queries;
}

/** What a device missed: docs/protocol.md, "Numbers and cursors". */
export function changeRoutes(options: ChangesOptions): readonly Route[] {
  return [
    {
      method: "GET",
      path: "/conversations/:id/changes",
      operations: ["read_changes"],
      query: ["since", "limit", "generation"],
      run: (call) => changes(options, call),
    },
  ];
}

async function changes({ queries }: ChangesOptions, call: Call): Promise<Response | Rejection> {
  const conversationId = readUuid(call.params.id);
  if (!conversationId) return noSuchConversation;
  const sinceRev = readSince(call.query);
  if (typeof sinceRev !== "number") return sinceRev;
  const limit = readChangesLimit(call.query);
  if (typeof limit !== "number") return limit;
  const generation = readGeneration(call.query);
  if (generation !== null && typeof generation !== "number") return generation;
  const viewerId = call.identity.userId;
  const asked = { viewerId, conversationId, sinceRev, generation, limit };
  const page = await queries.changes({ type: "read_changes", ...asked });
  if (isRejection(page)) return page;
  return dataResponse(200, changesText(page), metaOf(page));
}

function metaOf({ next, head, hasMore, marks, generation }: Changes): string {
  return (
    `{"next_since":${next.rev},"head_rev":${head?.rev ?? next.rev},"has_more":${hasMore},` +
    `"marks":${marksText(marks)},"generation":${generation}}`
  );
}
