import { Type } from "@sinclair/typebox";
import type { MemberMarks } from "../../core/conversations/conversation.ts";
import { closed, count, userIdField } from "./schemas.ts";

/** How far each member has received and read. Encodes each array once: those who join a group together get the same. */
export function marksText(marks: readonly MemberMarks[]): string {
  const known = texts.get(marks);
  if (known !== undefined) return known;
  const text = `[${marks.map(markText).join()}]`;
  texts.set(marks, text);
  return text;
}

const texts = new WeakMap<readonly MemberMarks[], string>();

function markText({ userId, deliveredSeq, readSeq }: MemberMarks): string {
  return `{"user_id":"${userId}","delivered_seq":${deliveredSeq},"read_seq":${readSeq}}`;
}

export const marksSchema = Type.Array(
  closed(
    {
      user_id: userIdField,
      delivered_seq: count("They have received every message up to this one."),
      read_seq: count("They have read every message up to this one."),
    },
    { $id: "Marks" },
  ),
  { description: "How far each member has received and read." },
);
