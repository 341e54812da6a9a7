import type { authorize } from "../../core/authorize.ts";
import type { Permissions } from "../../core/conversations/permissions.ts";
import { newId } from "../../system.ts";
import { type Row, rows } from "./rows.ts";
import { always, channel, conversation, message, naming, rest, type Way } from "./ways.ts";

/** What a group's settings and a block between two mean to one operation. */
export interface WritingRule {
  /** Settings of the group that decide about it, and no others do. */
  readonly settings: readonly (keyof Permissions)[];
  /** In a direct conversation, to who has blocked the other one. Null: there it is nobody's. */
  readonly blocker: "yes" | "no";
}

export interface WritingRow extends Pick<Row, "operation" | "what" | "settings" | "hasMedia"> {
  readonly rule: WritingRule;
  readonly ways: readonly Way[];
}

/** They change nothing that anybody else sees, or are about no conversation that is there yet. */
export const writesNothing: readonly (keyof typeof authorize | "typing")[] = [
  "create_direct",
  "create_group",
  "list_conversations",
  "show_conversation",
  "list_members",
  "read_history",
  "show_delivery_status",
  "show_message",
  "join_conversation",
  "join_user",
  "read_changes",
  // To those who are not asked, and did not leave.
  "decline_conversation",
  "allow_readding",
];

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

/** The same operations with what only some settings decide about. */
const variants: readonly WritingRow[] = [
  {
    operation: "send_message",
    what: "send media",
    rule: writesMedia,
    ways: [rest("POST", conversation("/messages"), always(media)), channel("new_message", always(media))],
  },
  {
    operation: "send_message",
    what: "mention somebody",
    rule: mentions,
    ways: [rest("POST", conversation("/messages"), mention), channel("new_message", mention)],
  },
  {
    operation: "edit_message",
    what: "edit the words beside one's own media",
    rule: writesMedia,
    hasMedia: true,
    ways: [
      rest("PUT", message("own"), always({ content: "better" })),
      channel("edit_message", naming("own", { content: "better" })),
    ],
  },
  {
    operation: "edit_message",
    what: "mention somebody in one's own message afterwards",
    rule: mentions,
    ways: [
      rest("PUT", message("own"), mention),
      channel("edit_message", (at) => ({ message_id: at.own, ...mention() })),
    ],
  },
];

/** The first way at each door. */
function firstWays({ ways, lone = [] }: Row): readonly Way[] {
  return [...ways.slice(0, 1), ...ways.slice(-1), ...lone.slice(0, 1)].filter(
    (way, index, all) => all.indexOf(way) === index,
  );
}

/** Rows of the table, of operations that write, that no rule here is of. */
export const withoutRule = rows.filter(
  ({ operation, what, settings }) =>
    !writesNothing.includes(operation) && !rules[what] && !what.startsWith("send, where") && !settings,
);

/** Every row of the table that writes, with its rule, and the variants. */
export const writingRows: readonly WritingRow[] = [
  ...rows
    .filter(({ where, what }) => where === "group" && rules[what])
    .map((row) => ({ ...row, ways: firstWays(row), rule: rules[row.what]! })),
  ...variants,
];
