import type { Member, MemberRecord } from "../../core/conversations/conversation.ts";
import type { MemberChanged } from "../../core/conversations/member-changed.ts";
import type { Event } from "../../core/events.ts";
import type { Message } from "../../core/messages/message.ts";
import { untagged } from "../../core/messages/send-key.ts";
import type { Changes } from "../../core/ports/sync-reads.ts";

/** Returns those of now who were members then. */
export function membersAt(members: ReadonlyMap<string, Member>, rev: number): ReadonlyMap<string, Member> {
  return new Map([...members].filter(([, { joinedRev }]) => joinedRev <= rev));
}

/** Returns rows as the events that would leave them so, by revision. A message that entered and changed since then is one event, as it is now. */
export function eventsByRev(changes: Changes, sinceRev: number): readonly (readonly [number, Event[]])[] {
  const isDirect = changes.conversation?.type === "direct";
  const events: (readonly [number, Event])[] = [
    ...changes.messages.map(({ message }) => eventOf(message, sinceRev)),
    ...changes.members
      .filter(({ rev }) => rev > sinceRev && rev <= changes.next.rev)
      .map((member): readonly [number, MemberChanged] => [
        member.rev,
        {
          type: isDirect ? blockEvent(member) : memberEvent(member),
          conversationId: changes.conversationId,
          rev: member.rev,
          actorId: member.userId,
          atUs: member.leftAtUs ?? member.joinedAtUs,
          member,
        },
      ]),
    ...conversationEvents(changes, sinceRev),
  ];
  const byRev = Map.groupBy(events, ([rev]) => rev);
  return [...byRev]
    .sort(([one], [other]) => one - other)
    .map(([rev, grouped]) => [rev, grouped.map(([, event]) => event)]);
}

function conversationEvents(
  { conversationId, conversation, next }: Changes,
  sinceRev: number,
): readonly (readonly [number, Event])[] {
  if (!conversation || conversation.rev <= sinceRev || conversation.rev > next.rev) return [];
  const { rev, updatedAtUs: atUs } = conversation;
  return [[rev, { type: "conversation_changed", conversationId, rev, atUs, conversation, change: null }]];
}

function memberEvent({ leftSeq, joinedRev, rev }: MemberRecord): MemberChanged["type"] {
  if (leftSeq !== null) return "member_removed";
  return joinedRev === rev ? "member_added" : "member_role_changed";
}

/** The two of a direct conversation change by blocks alone. */
function blockEvent({ leftSeq }: MemberRecord): MemberChanged["type"] {
  return leftSeq === null ? "member_unblocked" : "member_blocked";
}

function eventOf(message: Message, sinceRev: number): readonly [number, Event] {
  if (message.createdRev > sinceRev) {
    // Which device it was is for the store to know.
    return [
      message.createdRev,
      { ...message, type: "message_sent", deviceTag: untagged, releasesKeyOf: null },
    ];
  }
  const type = message.deletedAtUs === null ? "message_edited" : "message_deleted";
  const { conversationId, rev } = message;
  // Which command it was is for the store to know.
  return [rev, { type, conversationId, rev, changeId: message.id, message }];
}
