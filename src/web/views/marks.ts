import type { MemberMarks } from "../../core/conversations/conversation.ts";

/** How far each member has received and read. */
export function marksText(marks: readonly MemberMarks[]): string {
  return `[${marks.map(markText).join()}]`;
}

function markText({ userId, deliveredSeq, readSeq }: MemberMarks): string {
  return `{"user_id":"${userId}","delivered_seq":${deliveredSeq},"read_seq":${readSeq}}`;
}
