import type { MemberMarks } from "../../core/conversations/conversation.ts";
import type { Changes, Cursor, JoinFacts } from "../../core/ports/sync-reads.ts";
import type { JoinedConversation, JoinedUser } from "../../engine/sync/joins.ts";
import type { Caller } from "../caller.ts";
import { changesText } from "../views/changes.ts";
import { bareConversationText } from "../views/conversation.ts";
import { marksText } from "../views/marks.ts";

/** JSON text of replies to joins, and of what is pushed before a topic is live: docs/protocol.md, "Topics" and "Numbers and cursors". */

/** The ok of a join of `conversation:<id>`; null when the store does not know all of it. */
export function joinedConversationText(
  { facts, changes }: JoinedConversation,
  since: Cursor | null,
): string | null {
  const { conversation, head, generation } = facts;
  if (!conversation || !head) return null;
  return (
    `{"conversation":${bareConversationText(conversation)},` +
    `"head_seq":${head.seq},"head_rev":${head.rev},"generation":${generation}` +
    `${since ? resumedFields(facts, changes) : ""}}`
  );
}

/** Marks in one reply: about 17 kB. */
const marksInReply = 200;

function resumedFields(facts: JoinFacts, changes: Changes | null): string {
  const marks = marksFields(changes?.marks ?? facts.marks, facts.viewerId);
  return changes ? `,"resumed":true,"changes":${changesText(changes)},${marks}` : `,"resumed":false,${marks}`;
}

/** A large group has only some of its marks here, the viewer's own first. `GET …/changes` has all of them. */
function marksFields(marks: readonly MemberMarks[], viewerId: string): string {
  if (marks.length <= marksInReply) return `"marks":${marksText(marks)}`;
  const own = marks.filter(({ userId }) => userId === viewerId);
  const others = marks.filter(({ userId }) => userId !== viewerId);
  const some = [...own, ...others.slice(0, marksInReply - own.length)];
  return `"marks":${marksText(some)},"marks_complete":false`;
}

/** The ok of a join of `user:<id>`. */
export function joinedUserText({ userId, deviceId }: Caller, { generation, resumed }: JoinedUser): string {
  return (
    `{"user_id":"${userId}","device_id":${JSON.stringify(deviceId)},` +
    `"generation":${generation},"resumed":${resumed}}`
  );
}
