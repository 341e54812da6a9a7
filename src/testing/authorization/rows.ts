import type { authorize } from "../../core/authorize.ts";
import {
  always,
  channel,
  conversation,
  message,
  naming,
  noClaims,
  ownChannel,
  rest,
  topic,
  type Way,
} from "./ways.ts";

export interface Row {
  /** As in `core/authorize.ts`. */
  readonly operation: keyof typeof authorize | "typing";
  /** As a product owner calls it. */
  readonly what: string;
  readonly where: "group" | "direct";
  /** Of the group: what it lets whom do. */
  readonly settings?: Readonly<Record<string, string>>;
  readonly ways: readonly Way[];
  /** Ways that name a message alone, and no conversation. */
  readonly lone?: readonly Way[];
  /** Its messages refer to media. */
  readonly hasMedia?: true;
  /** It names a message, `theirs` or `own`: how it is refused when that is none of this conversation. */
  readonly unknownMessage?: string;
}

const listening: readonly Way[] = [topic(({ id }) => `conversation:${id}`)];
export const sending: readonly Way[] = [
  rest("POST", conversation("/messages"), always({ content: "hello" })),
  rest(
    "POST",
    () => "/messages",
    ({ id }) => ({ conversation_id: id, content: "hello" }),
  ),
  channel("new_message", always({ content: "hello" })),
  channel("send_message", always({ content: "hello" })),
];
const reading: readonly Way[] = [rest("GET", conversation("/messages"))];

const editing = (about: "own" | "theirs"): readonly Way[] => [
  rest("PUT", message(about), always({ content: "better" })),
  channel("edit_message", naming(about, { content: "better" })),
];

const deleting = (about: "own" | "theirs"): readonly Way[] => [
  rest("DELETE", message(about)),
  channel("delete_message", naming(about)),
];

const removing = (who: "owner" | "admin" | "other"): readonly Way[] => [
  rest("DELETE", (at) => `/conversations/${at.id}/members/${at[who]}`),
];

const adding: readonly Way[] = [
  rest("POST", conversation("/members"), ({ newcomer }) => ({ user_id: newcomer })),
  rest("POST", conversation("/members"), ({ newcomer }) => ({ user_ids: [newcomer] })),
];

const marking: readonly Way[] = [
  rest("PATCH", message("theirs", "/receipt"), always({ status: "read" })),
  channel("message_read", naming("theirs")),
  channel("message_delivered", naming("theirs")),
  channel("mark_read", naming("theirs")),
  ownChannel("message_read", naming("theirs")),
  ownChannel("message_delivered", naming("theirs")),
];

const giving = (who: "owner" | "other" | "admin", role: string): readonly Way[] => [
  rest("PATCH", (at) => `/conversations/${at.id}/members/${at[who]}/role`, always({ role })),
];

const renaming: readonly Way[] = [
  rest("PUT", conversation(), always({ name: "climbers" })),
  channel("update_conversation", always({ name: "climbers" })),
];

const answering: readonly Way[] = [
  rest("POST", conversation("/messages"), ({ theirs }) => ({ content: "hello", reply_to_id: theirs })),
  channel("new_message", ({ theirs }) => ({ content: "hello", reply_to_id: theirs })),
];

const reaction = always({ reaction: "👍" });
export const reacting: readonly Way[] = [
  rest("POST", message("theirs", "/reactions"), reaction),
  channel("add_reaction", naming("theirs", { reaction: "👍" })),
];
export const reactingAlone = rest("POST", ({ theirs }) => `/messages/${theirs}/reactions`, reaction);

/** After the actor has reacted, as far as he could. */
function afterReacting(way: Way): Way {
  return async (actor, at, claims) => {
    await reacting[0]!(actor, at, noClaims);
    return way(actor, at, claims);
  };
}

const takingBack: readonly Way[] = [
  afterReacting(rest("DELETE", message("theirs", "/reactions/👍"))),
  afterReacting(channel("remove_reaction", naming("theirs", { reaction: "👍" }))),
];

const media = always({ media_id: "another", media_type: "image" });
const attaching = (about: "own" | "theirs") =>
  ({
    ways: [rest("POST", message(about, "/attachments"), media)],
    lone: [rest("POST", (at) => `/messages/${at[about]}/attachments`, media)],
    hasMedia: true,
    unknownMessage: "not_found",
  }) as const;

const typing: readonly Way[] = [
  channel("user_typing", always({ typing: true })),
  channel("typing_start", always({})),
  channel("typing_stop", always({})),
];

export const rows: readonly Row[] = [
  {
    operation: "join_conversation",
    what: "listen to it",
    where: "group",
    ways: listening,
  },
  {
    operation: "show_conversation",
    what: "see it",
    where: "group",
    ways: [rest("GET", conversation())],
  },
  {
    operation: "list_members",
    what: "see its members",
    where: "group",
    ways: [rest("GET", conversation("/members"))],
  },
  { operation: "read_history", what: "read its messages", where: "group", ways: reading },
  {
    operation: "read_changes",
    what: "read what changed",
    where: "group",
    ways: [rest("GET", conversation("/changes"))],
  },
  { operation: "send_message", what: "send a message", where: "group", ways: sending },
  {
    operation: "edit_message",
    what: "edit one's own message",
    where: "group",
    ways: editing("own"),
    unknownMessage: "not_found",
  },
  {
    operation: "edit_message",
    what: "edit another's message",
    where: "group",
    ways: editing("theirs"),
    unknownMessage: "not_found",
  },
  {
    operation: "delete_message",
    what: "delete one's own message",
    where: "group",
    ways: deleting("own"),
    unknownMessage: "not_found",
  },
  {
    operation: "delete_message",
    what: "delete another's message",
    where: "group",
    ways: deleting("theirs"),
    unknownMessage: "not_found",
  },
  {
    operation: "send_message",
    what: "answer a message",
    where: "group",
    ways: answering,
    unknownMessage: "invalid_payload",
  },
  {
    operation: "attach_media",
    what: "attach media to one's own message",
    where: "group",
    ...attaching("own"),
  },
  {
    operation: "attach_media",
    what: "attach media to another's message",
    where: "group",
    ...attaching("theirs"),
  },
  {
    operation: "show_message",
    what: "see a message's media and reactions",
    where: "group",
    ways: [],
    lone: [
      rest("GET", ({ theirs }) => `/messages/${theirs}/reactions`),
      rest("GET", ({ theirs }) => `/messages/${theirs}/attachments`),
    ],
  },
  {
    operation: "show_delivery_status",
    what: "see who has received and read a message",
    where: "group",
    ways: [],
    lone: [rest("GET", ({ theirs }) => `/messages/${theirs}/delivery-status`)],
  },
  {
    operation: "add_reaction",
    what: "react to a message",
    where: "group",
    ways: reacting,
    lone: [reactingAlone],
    unknownMessage: "not_found",
  },
  {
    operation: "remove_reaction",
    what: "take one's reaction back",
    where: "group",
    ways: takingBack,
    lone: [afterReacting(rest("DELETE", ({ theirs }) => `/messages/${theirs}/reactions/👍`))],
    unknownMessage: "not_found",
  },
  { operation: "typing", what: "be seen typing", where: "group", ways: typing },
  {
    operation: "mark",
    what: "mark as received or read",
    where: "group",
    ways: marking,
    lone: [rest("PATCH", ({ theirs }) => `/messages/${theirs}/receipt`, always({ status: "read" }))],
    unknownMessage: "not_found",
  },
  {
    operation: "mark",
    what: "mark all of it as read",
    where: "group",
    ways: [channel("mark_read", always({})), ownChannel("mark_conversation_read", always({}))],
  },
  {
    operation: "mark_unread",
    what: "mark as unread, for oneself",
    where: "group",
    ways: [rest("POST", message("theirs", "/unread")), channel("mark_unread", naming("theirs"))],
    unknownMessage: "not_found",
  },
  {
    operation: "send_message",
    what: "send, where moderators may",
    where: "group",
    settings: { message_permission: "moderators_plus" },
    ways: sending,
  },
  {
    operation: "send_message",
    what: "send, where admins may",
    where: "group",
    settings: { message_permission: "admins_only" },
    ways: sending,
  },
  { operation: "add_members", what: "add a member", where: "group", ways: adding },
  {
    operation: "add_members",
    what: "add a member, where all may",
    where: "group",
    settings: { add_members_permission: "all_members" },
    ways: adding,
  },
  { operation: "remove_member", what: "remove a member", where: "group", ways: removing("other") },
  { operation: "remove_member", what: "remove an admin", where: "group", ways: removing("admin") },
  { operation: "remove_member", what: "remove the owner", where: "group", ways: removing("owner") },
  {
    operation: "change_role",
    what: "make a member a moderator",
    where: "group",
    ways: giving("other", "moderator"),
  },
  {
    operation: "change_role",
    what: "make a member an admin",
    where: "group",
    ways: giving("other", "admin"),
  },
  {
    operation: "change_role",
    what: "make an admin a member",
    where: "group",
    ways: giving("admin", "member"),
  },
  {
    operation: "change_role",
    what: "hand it over to a member",
    where: "group",
    ways: giving("other", "owner"),
  },
  {
    operation: "change_role",
    what: "hand it over to an admin",
    where: "group",
    ways: giving("admin", "owner"),
  },
  {
    operation: "update_conversation",
    what: "rename it, change its settings",
    where: "group",
    ways: renaming,
  },
  {
    operation: "leave_conversation",
    what: "leave it",
    where: "group",
    ways: [rest("POST", conversation("/leave"))],
  },
  {
    operation: "accept_conversation",
    what: "accept it",
    where: "group",
    ways: [rest("POST", conversation("/accept"))],
  },
  {
    operation: "decline_conversation",
    what: "decline it, without being asked",
    where: "group",
    ways: [rest("POST", conversation("/decline"))],
  },
  {
    operation: "allow_readding",
    what: "let others add one again, without having left",
    where: "group",
    ways: [rest("POST", conversation("/allow-readding"))],
  },
  ...(
    [
      { operation: "join_conversation", what: "listen to it", ways: listening },
      { operation: "show_conversation", what: "see it", ways: [rest("GET", conversation())] },
      { operation: "read_history", what: "read its messages", ways: reading },
      { operation: "send_message", what: "send a message", ways: sending },
      { operation: "edit_message", what: "edit one's own message", ways: editing("own") },
      { operation: "delete_message", what: "delete another's message", ways: deleting("theirs") },
      { operation: "add_reaction", what: "react to a message", ways: reacting, lone: [reactingAlone] },
      { operation: "typing", what: "be seen typing", ways: typing },
      { operation: "mark", what: "mark as received or read", ways: marking },
      { operation: "add_members", what: "add a member", ways: adding },
      { operation: "change_role", what: "hand it over to a member", ways: giving("owner", "owner") },
      { operation: "update_conversation", what: "rename it, change its settings", ways: renaming },
      { operation: "leave_conversation", what: "leave it", ways: [rest("POST", conversation("/leave"))] },
      { operation: "accept_conversation", what: "accept it", ways: [rest("POST", conversation("/accept"))] },
      {
        operation: "decline_conversation",
        what: "decline it, without being asked",
        ways: [rest("POST", conversation("/decline"))],
      },
    ] as const
  ).map((row) => ({ ...row, where: "direct" as const })),
];

/** What is about no conversation: everybody may, for himself. */
export const forAnybody: readonly (Pick<Row, "operation"> & { readonly way: Way })[] = [
  {
    operation: "create_direct",
    way: rest(
      "POST",
      () => "/conversations",
      ({ newcomer }) => ({ type: "direct", other_user_id: newcomer }),
    ),
  },
  {
    operation: "create_group",
    way: rest(
      "POST",
      () => "/conversations",
      ({ newcomer }) => ({ type: "group", name: "x", user_ids: [newcomer] }),
    ),
  },
  { operation: "list_conversations", way: rest("GET", () => "/conversations") },
  {
    operation: "join_user",
    way: (actor) => actor.join(`user:${actor.id}`),
  },
];
