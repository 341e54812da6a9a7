import { noSuchConversation } from "../../core/authorize.ts";
import type { Member } from "../../core/conversations/conversation.ts";
import type { MemberChanged } from "../../core/conversations/member-changed.ts";
import { noSuchMember } from "../../core/conversations/members.ts";
import type { Event } from "../../core/events.ts";
import type { NewId } from "../../core/ports/ids.ts";
import type { Presence } from "../../core/ports/presence.ts";
import type { Visibility } from "../../core/presence/visibility.ts";
import { isRejection, type Rejection } from "../../core/rejection.ts";
import type { Commands, Queries } from "../domain.ts";
import { dataResponse } from "../http/json-response.ts";
import { readAddMembers } from "../payloads/add-members.ts";
import { readChangeRole } from "../payloads/change-role.ts";
import { readLeave } from "../payloads/leave.ts";
import type { BoundedReading } from "../payloads/limits.ts";
import { readUuid, uuidOrUnknown } from "../uuid.ts";
import { memberText, memberTexts, seenMemberTexts } from "../views/member.ts";
import type { Call, Route } from "./route.ts";
import { eventsOf } from "./submitted.ts";

export interface MembersOptions extends BoundedReading {
  readonly commands: Commands;
  readonly queries: Queries;
  readonly presence: Pick<Presence, "isOnline">;
  readonly visibility: Pick<Visibility, "maySee">;
  readonly newId: NewId;
}

/** Members over REST. */
export function memberRoutes(options: MembersOptions): readonly Route[] {
  return [
    {
      method: "GET",
      path: "/conversations/:id/members",
      operations: ["list_members"],
      run: (call) => list(options, call),
    },
    {
      method: "POST",
      path: "/conversations/:id/members",
      operations: ["add_members"],
      run: (call) => add(options, call),
    },
    {
      method: "DELETE",
      path: "/conversations/:id/members/:userId",
      operations: ["remove_member"],
      run: (call) => remove(options, call),
    },
    {
      method: "PATCH",
      path: "/conversations/:id/members/:userId/role",
      operations: ["change_role"],
      run: (call) => changeRole(options, call),
    },
    {
      method: "POST",
      path: "/conversations/:id/leave",
      operations: ["leave_conversation"],
      run: (call) => leave(options, call),
    },
    {
      method: "POST",
      path: "/conversations/:id/allow-readding",
      operations: ["allow_readding"],
      run: (call) => allowReadding(options, call),
    },
  ];
}

async function list(
  { queries, presence, visibility }: MembersOptions,
  call: Call,
): Promise<Response | Rejection> {
  const conversationId = readUuid(call.params.id);
  if (!conversationId) return noSuchConversation;
  const viewerId = call.identity.userId;
  const members = await queries.members({ type: "list_members", viewerId, conversationId });
  if (isRejection(members)) return members;
  const meta = `{"conversation_id":"${conversationId}","count":${members.length}}`;
  const texts = seenMemberTexts(members, (member) =>
    visibility.maySee(viewerId, member) ? presence.isOnline(member.userId) : null,
  );
  return dataResponse(200, texts, meta);
}

/** One member for a body with `user_id`, a list for one with `user_ids`. */
async function add(options: MembersOptions, call: Call): Promise<Response | Rejection> {
  const conversationId = readUuid(call.params.id);
  if (!conversationId) return noSuchConversation;
  const read = await call.json();
  if (isRejection(read)) return read;
  const body = readAddMembers(read.value, options);
  if (isRejection(body)) return body;
  const own = { id: options.newId(), conversationId, senderId: call.identity.userId };
  const { asksFirst } = options.limits;
  const command = { type: "add_members", ...own, userIds: body.userIds, asksFirst } as const;
  const events = await eventsOf(options.commands, command, call.charge);
  if (events instanceof Response) return events;
  const members = membersIn(events, "member_added").map(({ member }) => member);
  return dataResponse(201, body.isSingle ? memberText(members[0]!) : memberTexts(members), "{}");
}

async function remove({ commands, newId }: MembersOptions, call: Call): Promise<Response | Rejection> {
  const conversationId = readUuid(call.params.id);
  if (!conversationId) return noSuchConversation;
  const userId = uuidOrUnknown(call.params.userId, newId);
  const own = { id: newId(), conversationId, senderId: call.identity.userId };
  const events = await eventsOf(commands, { type: "remove_member", ...own, userId }, call.charge);
  return events instanceof Response ? events : new Response(null, { status: 204 });
}

/** The member as they are then, also when they had the role already. `meta` names the other members that changed with them: the former owner. */
async function changeRole(options: MembersOptions, call: Call): Promise<Response | Rejection> {
  const { commands, queries, newId } = options;
  const conversationId = readUuid(call.params.id);
  if (!conversationId) return noSuchConversation;
  const read = await call.json();
  if (isRejection(read)) return read;
  const body = readChangeRole(read.value, options);
  if (isRejection(body)) return body;
  const userId = uuidOrUnknown(call.params.userId, newId);
  const viewerId = call.identity.userId;
  const own = { id: newId(), conversationId, senderId: viewerId };
  const events = await eventsOf(
    commands,
    { type: "change_role", ...own, userId, role: body.role },
    call.charge,
  );
  if (events instanceof Response) return events;
  const changed = membersIn(events, "member_role_changed").map((event) => event.member);
  if (changed.length > 0) return changedResponse(changed, userId);
  const summary = await queries.show({ type: "show_conversation", viewerId, conversationId });
  if (isRejection(summary)) return summary;
  const member = summary.conversation.members.find((each) => each.userId === userId);
  return member ? dataResponse(200, memberText(member), "{}") : noSuchMember;
}

function changedResponse(changed: readonly Member[], userId: string): Response {
  const [members, others] = [
    changed.filter((member) => member.userId === userId),
    changed.filter((member) => member.userId !== userId),
  ];
  const meta = others.length === 0 ? "{}" : `{"also_changed":${memberTexts(others)}}`;
  return dataResponse(200, memberText(members[0]!), meta);
}

const noBody = { value: {} };

/** The body may be empty. */
async function leave(options: MembersOptions, call: Call): Promise<Response | Rejection> {
  const { commands, newId } = options;
  const conversationId = readUuid(call.params.id);
  if (!conversationId) return noSuchConversation;
  const read = call.request.body ? await call.json() : noBody;
  if (isRejection(read)) return read;
  const body = readLeave(read.value, options);
  if (isRejection(body)) return body;
  const own = { id: newId(), conversationId, senderId: call.identity.userId };
  const events = await eventsOf(commands, { type: "leave_conversation", ...own, ...body }, call.charge);
  if (events instanceof Response) return events;
  const heir = membersIn(events, "member_role_changed").find(({ member }) => member.role === "owner");
  const isOver = events.some(({ type }) => type === "conversation_deactivated");
  const promoted = heir ? `"${heir.member.userId}"` : "null";
  return dataResponse(
    200,
    `{"left":true,"auto_promoted_user_id":${promoted},"conversation_deactivated":${isOver}}`,
    "{}",
  );
}

async function allowReadding({ queries }: MembersOptions, call: Call): Promise<Response | Rejection> {
  const conversationId = readUuid(call.params.id);
  if (!conversationId) return noSuchConversation;
  const { userId } = call.identity;
  const refusal = await queries.allowReadding({ type: "allow_readding", userId, conversationId });
  return (
    refusal ?? dataResponse(200, `{"conversation_id":"${conversationId}","readding_allowed":true}`, "{}")
  );
}

function membersIn(events: readonly Event[], type: MemberChanged["type"]): readonly MemberChanged[] {
  return events.filter((event): event is MemberChanged => event.type === type);
}
