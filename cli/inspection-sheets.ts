import type { ConversationInspection } from "../src/store/inspect/conversation.ts";
import type { MessageInspection } from "../src/store/inspect/message.ts";
import type { UserInspection } from "../src/store/inspect/user.ts";
import { table } from "./print.ts";

/** The tables that `admin inspect` shows on a terminal. */

/** Names with their values. */
type Fields = readonly (readonly [string, string])[];

export function conversationSheet(found: ConversationInspection): string {
  return sheet(
    conversationFields(found),
    ["MEMBER", "ROLE", "JOINED", "FROM SEQ", "LEFT", "UNDELIVERED", "UNREAD", "DEVICES"],
    found.members.map((member) => [
      member.userId,
      member.role,
      member.joinedAt,
      `${member.joinedSeq + 1}`,
      member.leftAt === null ? "-" : `${member.leftAt} after seq ${member.leftSeq}`,
      `${member.undelivered}`,
      `${member.unread}`,
      `${member.devices}`,
    ]),
  );
}

function conversationFields(found: ConversationInspection): Fields {
  const { head, stored, owner, members } = found;
  const isWhole = stored.messages === head.seq && stored.maxSeq === head.seq;
  return [
    [
      "conversation",
      `${found.id}, ${found.type}${found.isActive ? "" : ", not active"}, made ${found.createdAt}`,
    ],
    [
      "head",
      `seq ${head.seq}, rev ${head.rev}, members rev ${head.membersRev}, last message ${head.lastMessageAt ?? "none"}`,
    ],
    [
      "log",
      `${stored.messages} messages up to seq ${stored.maxSeq}: ${isWhole ? "as the head says" : "NOT what the head says"}`,
    ],
    ["metadata", `${found.metadataBytes} bytes`],
    ["owner", ownerText(owner)],
    ["members", counted(members.length, found.memberCount, "with former ones")],
  ];
}

export function messageSheet(found: MessageInspection): string {
  return sheet(
    messageFields(found),
    ["RECIPIENT", "DELIVERED", "READ", ""],
    found.delivery.map(({ userId, deliveredAt, readAt, isMemberNow }) => [
      userId,
      deliveredAt ?? "not yet",
      readAt ?? "not yet",
      isMemberNow ? "" : "has left",
    ]),
  );
}

function messageFields(found: MessageInspection): Fields {
  const key =
    found.clientRandom === null
      ? "none"
      : `${found.clientRandom}${found.holdsKey ? ", held" : ", free again"}`;
  return [
    ["message", `${found.id}, ${found.type}`],
    ["place", `seq ${found.seq} of ${found.headSeq} in conversation ${found.conversationId}`],
    ["rev", `${found.rev}, entered at ${found.createdRev}`],
    ["sender", `${found.senderId} at ${found.sentAt}, client_random ${key}`],
    ["size", `${found.contentBytes} bytes of content, ${found.metadataBytes} of metadata`],
    [
      "relations",
      `${found.replyToSeq === null ? "no reply" : `replies to seq ${found.replyToSeq}`}, ${found.reactions} reactions, ${found.relationsBytes} bytes about media and the quoted message`,
    ],
    ["edits", found.editedAt === null ? "none" : `${found.edits}, the last at ${found.editedAt}`],
    ["deleted", found.deletedAt ?? "no"],
    ["owner", ownerText(found.owner)],
    ["recipients", counted(found.delivery.length, found.recipientCount, "members when it was sent")],
  ];
}

export function userSheet(found: UserInspection): string {
  return [membershipSheet(found), deviceSheet(found), blockSheet(found)].join("\n\n");
}

function membershipSheet(found: UserInspection): string {
  const roles = Object.entries(found.roles).map(([role, count]) => `${count} as ${role}`);
  return sheet(
    [
      ["user", `${found.id}, last seen ${found.lastSeenAt ?? "never"}, own rev ${found.ownRev}`],
      [
        "member of",
        `${found.conversationCount}${roles.length === 0 ? "" : ` (${roles.join(", ")})`}; formerly of ${found.formerCount}; ${found.markedUnreadCount} marked as unread`,
      ],
      ["shown", counted(found.conversations.length, found.conversationCount, "in order of their ids")],
    ],
    ["CONVERSATION", "TYPE", "ROLE", "JOINED", "HEAD SEQ", "UNDELIVERED", "UNREAD", "LAST MESSAGE"],
    found.conversations.map((each) => [
      each.conversationId,
      each.type,
      each.role,
      each.joinedAt,
      `${each.headSeq}`,
      `${each.undelivered}`,
      `${each.unread}`,
      each.lastMessageAt ?? "none",
    ]),
  );
}

function deviceSheet(found: UserInspection): string {
  return sheet(
    [["devices", firstOf(found.devices.length, found.deviceCount, "that the server has seen")]],
    ["DEVICE", "FIRST SEEN", "GENERATION", "CURSORS", "CONVERSATIONS BEHIND", "MESSAGES BEHIND"],
    found.devices.map((device) => [
      // Comes from a token, and must not move the terminal's cursor.
      JSON.stringify(device.deviceId),
      device.firstSeenAt,
      `${device.generation}${device.isOfThisGeneration ? "" : " (gone)"}`,
      `${device.cursors}`,
      `${device.behind}`,
      `${device.lag}`,
    ]),
  );
}

function blockSheet(found: UserInspection): string {
  return sheet(
    [
      [
        "blocks",
        firstOf(found.blocks.length, found.blockCount, "blocked by this user, or who have blocked them"),
      ],
    ],
    ["OTHER USER", "BLOCKED SINCE", "BLOCKED BY SINCE", ""],
    found.blocks.map((block) => [
      block.userId,
      block.blockedSince ?? "-",
      block.blockedBySince ?? "-",
      block.isPending ? "not applied yet" : "",
    ]),
  );
}

function ownerText({ shard, node, epoch }: ConversationInspection["owner"]): string {
  return `${node === null ? "nobody yet" : `node ${node}`}, shard ${shard}, epoch ${epoch}`;
}

/** Of what has no pages. */
function firstOf(shown: number, all: number, what: string): string {
  return shown === all ? `${all}, ${what}` : `the first ${shown} of ${all}, ${what}`;
}

function counted(shown: number, all: number, what: string): string {
  return shown === all ? `${all}, ${what}` : `${shown} of ${all} (--limit, --offset), ${what}`;
}

/** Returns the fields, then the rows of a page below their titles. */
function sheet(fields: Fields, titles: readonly string[], rows: readonly (readonly string[])[]): string {
  return rows.length === 0 ? table(fields) : `${table(fields)}\n\n${table([titles, ...rows])}`;
}
