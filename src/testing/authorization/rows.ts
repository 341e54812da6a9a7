import { acceptConversation } from "../../operations/conversations/accept-conversation.ts";
import { createConversation } from "../../operations/conversations/create-conversation.ts";
import { declineConversation } from "../../operations/conversations/decline-conversation.ts";
import { listConversations } from "../../operations/conversations/list-conversations.ts";
import { showConversation } from "../../operations/conversations/show-conversation.ts";
import { updateConversation } from "../../operations/conversations/update-conversation.ts";
import { addMembers } from "../../operations/members/add-members.ts";
import { allowReadding } from "../../operations/members/allow-readding.ts";
import { changeRole } from "../../operations/members/change-role.ts";
import { leaveConversation } from "../../operations/members/leave-conversation.ts";
import { listMembers } from "../../operations/members/list-members.ts";
import { removeMember } from "../../operations/members/remove-member.ts";
import { addReaction } from "../../operations/messages/add-reaction.ts";
import { attachMedia } from "../../operations/messages/attach-media.ts";
import { deleteMessage } from "../../operations/messages/delete-message.ts";
import { editMessage } from "../../operations/messages/edit-message.ts";
import { listAttachments } from "../../operations/messages/list-attachments.ts";
import { listReactions } from "../../operations/messages/list-reactions.ts";
import { readHistory } from "../../operations/messages/read-history.ts";
import { removeReaction } from "../../operations/messages/remove-reaction.ts";
import { sendMessage } from "../../operations/messages/send-message.ts";
import { showMessage } from "../../operations/messages/show-message.ts";
import type { Operation } from "../../operations/operation.ts";
import { typing } from "../../operations/presence/typing.ts";
import { markConversationRead } from "../../operations/receipts/mark-conversation-read.ts";
import { markDelivered } from "../../operations/receipts/mark-delivered.ts";
import { markRead } from "../../operations/receipts/mark-read.ts";
import { markUnread } from "../../operations/receipts/mark-unread.ts";
import { setReceipt } from "../../operations/receipts/set-receipt.ts";
import { showDeliveryStatus } from "../../operations/receipts/show-delivery-status.ts";
import { readChanges } from "../../operations/sync/read-changes.ts";
import { joinConversation } from "../../operations/topics/topic-operations.ts";
import { conversationTopic } from "../../operations/topics/topics.ts";
import { type Asking, always, loneWaysOf, noClaims, topic, type Way, waysOf } from "./ways.ts";

export interface Row {
  /** By their names; the first one is the documented one. */
  readonly operations: readonly [string, ...string[]];
  /** As a product owner calls it. */
  readonly what: string;
  readonly where: "group" | "direct";
  /** Of the group: what it lets whom do. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Every route and event of its operations. */
  readonly ways: readonly Way[];
  /** Ways that name a message alone, and no conversation. */
  readonly lone: readonly Way[];
  /** Its messages refer to media. */
  readonly hasMedia?: true;
  /** It names a message, `theirs` or `own`: how it is refused when that is none of this conversation. */
  readonly unknownMessage?: string;
}

type Own = Pick<Row, "settings" | "hasMedia" | "unknownMessage">;
type About = readonly [operation: Operation, asking?: Asking];

/** A row of operations that mean the same to everybody. */
function row(what: string, asked: readonly [About, ...About[]], own: Own = {}): Row {
  const [[first], ...more] = asked;
  const others = new Set(more.map(([{ name }]) => name).filter((name) => name !== first.name));
  return {
    what,
    where: "group",
    operations: [first.name, ...others],
    ways: asked.flatMap(([operation, asking]) => waysOf(operation, asking)),
    lone: asked.flatMap(([operation, asking]) => (asking?.isLookedUp ? loneWaysOf(operation, asking) : [])),
    ...own,
  };
}

const noMessage = { unknownMessage: "not_found" } as const;
const hello = always({ content: "hello" });
const better = always({ content: "better" });
const thumb = always({ reaction: "👍" });
const media = always({ media_id: "another", media_type: "image" });

export const sending = waysOf(sendMessage, { payload: hello });
export const reacting = waysOf(addReaction, { about: "theirs", payload: thumb });
export const reactingAlone = loneWaysOf(addReaction, { about: "theirs", payload: thumb })[0]!;

/** After the actor has reacted, as far as they could. */
function afterReacting(way: Way): Way {
  return async (actor, at, claims) => {
    await reacting[0]!(actor, at, noClaims);
    return way(actor, at, claims);
  };
}

function takingBack(): Row {
  const plain = row(
    "take one's reaction back",
    [[removeReaction, { about: "theirs", reaction: "👍", payload: thumb, isLookedUp: true }]],
    noMessage,
  );
  return { ...plain, ways: plain.ways.map(afterReacting), lone: plain.lone.map(afterReacting) };
}

const listening: Row = {
  operations: [joinConversation.name],
  what: "listen to it",
  where: "group",
  ways: [topic(({ id }) => conversationTopic(id))],
  lone: [],
};

const seeing = row("see it", [[showConversation]]);
const reading = row("read its messages", [[readHistory]]);
const sendingOne = row("send a message", [[sendMessage, { payload: hello }]]);
const editing = (about: "own" | "theirs") =>
  row(
    `edit ${about === "own" ? "one's own" : "another's"} message`,
    [[editMessage, { about, payload: better }]],
    noMessage,
  );
const deleting = (about: "own" | "theirs") =>
  row(
    `delete ${about === "own" ? "one's own" : "another's"} message`,
    [[deleteMessage, { about }]],
    noMessage,
  );
const attaching = (about: "own" | "theirs") =>
  row(
    `attach media to ${about === "own" ? "one's own" : "another's"} message`,
    [[attachMedia, { about, payload: media, isLookedUp: true }]],
    { ...noMessage, hasMedia: true },
  );
const reactingToOne = row(
  "react to a message",
  [[addReaction, { about: "theirs", payload: thumb, isLookedUp: true }]],
  noMessage,
);
const typingOne = row("be seen typing", [[typing, { payload: always({ typing: true }) }]]);
const marking = row(
  "mark as received or read",
  [
    [setReceipt, { about: "theirs", payload: always({ status: "read" }), isLookedUp: true }],
    [markRead, { about: "theirs" }],
    [markDelivered, { about: "theirs" }],
  ],
  noMessage,
);
const adding = (what: string, own: Own = {}) =>
  row(
    what,
    [
      [addMembers, { payload: ({ newcomer }) => ({ user_id: newcomer }) }],
      [addMembers, { payload: ({ newcomer }) => ({ user_ids: [newcomer] }) }],
    ],
    own,
  );
const removing = (what: string, user: "owner" | "admin" | "other") => row(what, [[removeMember, { user }]]);
const giving = (what: string, user: "owner" | "other" | "admin", role: string) =>
  row(what, [[changeRole, { user, payload: always({ role }) }]]);
const renaming = row("rename it, change its settings", [
  [updateConversation, { payload: always({ name: "climbers" }) }],
]);
const leaving = row("leave it", [[leaveConversation]]);
const accepting = row("accept it", [[acceptConversation]]);
const declining = row("decline it, without being asked", [[declineConversation]]);

const inGroup: readonly Row[] = [
  listening,
  seeing,
  row("see its members", [[listMembers]]),
  reading,
  row("read what changed", [[readChanges]]),
  sendingOne,
  editing("own"),
  editing("theirs"),
  deleting("own"),
  deleting("theirs"),
  row(
    "answer a message",
    [[sendMessage, { payload: ({ theirs }) => ({ content: "hello", reply_to_id: theirs }) }]],
    { unknownMessage: "invalid_payload" },
  ),
  attaching("own"),
  attaching("theirs"),
  row("see one message", [[showMessage, { about: "theirs", isLookedUp: true }]]),
  row("see a message's media and reactions", [
    [listReactions, { about: "theirs", isLookedUp: true }],
    [listAttachments, { about: "theirs", isLookedUp: true }],
  ]),
  row("see who has received and read a message", [
    [showDeliveryStatus, { about: "theirs", isLookedUp: true }],
  ]),
  reactingToOne,
  takingBack(),
  typingOne,
  marking,
  row("mark all of it as read", [[markConversationRead]]),
  row("mark as unread, for oneself", [[markUnread, { about: "theirs" }]], noMessage),
  row("send, where moderators may", [[sendMessage, { payload: hello }]], {
    settings: { message_permission: "moderators_plus" },
  }),
  row("send, where admins may", [[sendMessage, { payload: hello }]], {
    settings: { message_permission: "admins_only" },
  }),
  adding("add a member"),
  adding("add a member, where all may", { settings: { add_members_permission: "all_members" } }),
  removing("remove a member", "other"),
  removing("remove an admin", "admin"),
  removing("remove the owner", "owner"),
  giving("make a member a moderator", "other", "moderator"),
  giving("make a member an admin", "other", "admin"),
  giving("make an admin a member", "admin", "member"),
  giving("hand it over to a member", "other", "owner"),
  giving("hand it over to an admin", "admin", "owner"),
  renaming,
  leaving,
  accepting,
  declining,
  row("let others add one again, without having left", [[allowReadding]]),
];

const inDirect: readonly Row[] = [
  listening,
  seeing,
  reading,
  sendingOne,
  editing("own"),
  deleting("theirs"),
  reactingToOne,
  typingOne,
  marking,
  adding("add a member"),
  giving("hand it over to a member", "owner", "owner"),
  renaming,
  leaving,
  accepting,
  declining,
];

export const rows: readonly Row[] = [
  ...inGroup,
  ...inDirect.map((each): Row => ({ ...each, where: "direct" })),
];

/** What concerns no conversation: everybody may, for themselves. */
export const forAnybody: readonly { readonly operation: string; readonly way: Way }[] = [
  ...[
    { type: "direct" as const, named: (newcomer: string) => ({ other_user_id: newcomer }) },
    { type: "group" as const, named: (newcomer: string) => ({ name: "x", user_ids: [newcomer] }) },
  ].flatMap(({ type, named }) =>
    waysOf(createConversation, { payload: ({ newcomer }) => ({ type, ...named(newcomer) }) }).map((way) => ({
      operation: createConversation.name,
      way,
    })),
  ),
  ...waysOf(listConversations).map((way) => ({ operation: listConversations.name, way })),
  { operation: "join_user", way: (actor) => actor.join(`user:${actor.id}`) },
  {
    operation: "update_status",
    way: (actor) => actor.push(`user:${actor.id}`, "update_status", { status: "busy" }),
  },
];
