import type { Permissions } from "../../core/conversations/permissions.ts";
import { createConversation } from "../../operations/conversations/create-conversation.ts";
import { declineConversation } from "../../operations/conversations/decline-conversation.ts";
import { operations as list } from "../../operations/list.ts";
import { allowReadding } from "../../operations/members/allow-readding.ts";
import { editMessage } from "../../operations/messages/edit-message.ts";
import { sendMessage } from "../../operations/messages/send-message.ts";
import type { Operation } from "../../operations/operation.ts";
import { updateStatus } from "../../operations/presence/update-status.ts";
import { topicOperations } from "../../operations/topics/topic-operations.ts";
import { newId } from "../../system.ts";
import { type Row, rows } from "./rows.ts";
import { type Asking, always, type Way, waysOf } from "./ways.ts";

/** What a group's settings and a block between two mean to one operation. */
export interface WritingRule {
  /** Settings of the group that decide about it, and no others do. */
  readonly settings: readonly (keyof Permissions)[];
  /** Whether a user may do it in a direct conversation with someone whom they blocked. */
  readonly blocker: "yes" | "no";
}

export interface WritingRow extends Pick<Row, "operations" | "what" | "settings" | "hasMedia"> {
  readonly rule: WritingRule;
  readonly ways: readonly Way[];
}

/** They change nothing that anybody else sees, or concern no conversation that is there yet. */
export const writesNothing: ReadonlySet<string> = new Set([
  ...list.filter(({ costs }) => costs.class === "read").map(({ name }) => name),
  ...topicOperations.map(({ name }) => name),
  createConversation.name,
  updateStatus.name,
  // To those who are not asked, and did not leave.
  declineConversation.name,
  allowReadding.name,
]);

const free: WritingRule = { settings: [], blocker: "yes" };
const groupsOnly: WritingRule = { settings: [], blocker: "no" };
const writes: WritingRule = { settings: ["message_permission"], blocker: "no" };
const writesMedia: WritingRule = { settings: ["message_permission", "media_permission"], blocker: "no" };
const mentions: WritingRule = { settings: ["message_permission", "mention_permission"], blocker: "no" };

/** By what a row of the table calls it. A row of an operation that writes and is missing here fails a test. */
const rules: Readonly<Record<string, WritingRule>> = {
  "send a message": writes,
  "answer a message": writes,
  "edit one's own message": writes,
  "edit another's message": writes,
  "delete one's own message": free,
  "delete another's message": groupsOnly,
  "attach media to one's own message": writesMedia,
  "attach media to another's message": writesMedia,
  "react to a message": free,
  "take one's reaction back": free,
  "be seen typing": free,
  "mark as received or read": free,
  "mark all of it as read": free,
  "mark as unread, for oneself": free,
  "add a member": { settings: ["add_members_permission"], blocker: "no" },
  "add a member, where all may": { settings: ["add_members_permission"], blocker: "no" },
  "remove a member": groupsOnly,
  "remove an admin": groupsOnly,
  "remove the owner": groupsOnly,
  "make a member a moderator": groupsOnly,
  "make a member an admin": groupsOnly,
  "make an admin a member": groupsOnly,
  "hand it over to a member": groupsOnly,
  "hand it over to an admin": groupsOnly,
  "rename it, change its settings": free,
  "leave it": groupsOnly,
  "accept it": free,
};

const media = {
  content: "look",
  message_type: "media",
  attachments: [{ media_id: "one", media_type: "image" }],
};
const mention = () => ({ content: "hello", metadata: { mentions: [newId()] } });

const asked = (operation: Operation, asking: Asking) => {
  const ways = waysOf(operation, asking);
  return { operations: [operation.name] as const, ways: firstWays({ ways, lone: [] }) };
};

/** The same operations with what only some settings decide about. */
const variants: readonly WritingRow[] = [
  { what: "send media", rule: writesMedia, ...asked(sendMessage, { payload: always(media) }) },
  { what: "mention somebody", rule: mentions, ...asked(sendMessage, { payload: mention }) },
  {
    what: "edit the words beside one's own media",
    rule: writesMedia,
    hasMedia: true,
    ...asked(editMessage, { about: "own", payload: always({ content: "better" }) }),
  },
  {
    what: "mention somebody in one's own message afterwards",
    rule: mentions,
    ...asked(editMessage, { about: "own", payload: mention }),
  },
];

/** The first way at each door. */
function firstWays({ ways, lone }: Pick<Row, "ways" | "lone">): readonly Way[] {
  return [...ways.slice(0, 1), ...ways.slice(-1), ...lone.slice(0, 1)].filter(
    (way, index, all) => all.indexOf(way) === index,
  );
}

/** Rows of the table, of operations that write, that no rule here is of. */
export const withoutRule = rows.filter(
  ({ operations, what, settings }) =>
    !operations.every((name) => writesNothing.has(name)) &&
    !rules[what] &&
    !what.startsWith("send, where") &&
    !settings,
);

/** Every row of the table that writes, with its rule, and the variants. */
export const writingRows: readonly WritingRow[] = [
  ...rows
    .filter(({ where, what }) => where === "group" && rules[what])
    .map((row) => ({ ...row, ways: firstWays(row), rule: rules[row.what]! })),
  ...variants,
];
