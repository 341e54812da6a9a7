import { Type } from "@sinclair/typebox";
import { maxGroupMembers } from "../../core/conversations/members.ts";
import { mergedMetadata } from "../../core/conversations/metadata.ts";
import { isRejection, type Rejection } from "../../core/rejection.ts";
import {
  clientRandom,
  clientRandomAllowed,
  clientRandomIn,
  ignored,
  later,
  metadata,
  optional,
  settingsElsewhere,
  uuid,
} from "../fields.ts";
import { fieldIn, PayloadShape } from "../payload-shape.ts";
import { refusedField } from "../refused-field.ts";
import { sampleIds } from "../sample-ids.ts";
import type { Services } from "../services.ts";
import { nameAllowed, namedMetadata } from "./conversation-metadata.ts";

export interface CreateDirectBody {
  readonly type: "direct";
  readonly otherUserId: string;
}

export interface CreateGroupBody {
  readonly type: "group";
  /** Each once, without the creator. */
  readonly otherUserIds: readonly string[];
  /** JSON text of an object; holds the name. */
  readonly metadata: string;
  /** Null: left out. */
  readonly clientRandom: number | null;
}

const typeAllowed = 'must be "direct" or "group"';
const pairAllowed = "must be exactly two UUIDs: your own and the other user's";

/** Both forms are read as they stand, or in an object under this name. */
const nestedIn = "conversation";
const aliases = { member_ids: "user_ids" };

export const directPayload = new PayloadShape({
  operation: "create_direct",
  example: { type: "direct", other_user_id: sampleIds.bob },
  nestedIn,
  aliases,
  schema: Type.Object({
    type: Type.Literal("direct", { description: typeAllowed }),
    other_user_id: optional(uuid, "must be the UUID of the other user"),
    user_ids: optional(Type.Array(uuid), pairAllowed),
    name: Type.Optional(Type.Null({ description: "is for groups; leave it out", undocumented: true })),
    metadata: later("settings of direct conversations"),
    external_group_id: Type.Optional(
      Type.Null({ description: "is for groups; leave it out", undocumented: true }),
    ),
    // Two users have one direct conversation, however often it is created.
    client_random: ignored,
  }),
});

export const groupPayload = new PayloadShape({
  operation: "create_group",
  example: { type: "group", name: "Friends", user_ids: [sampleIds.bob, sampleIds.carol], client_random: 7 },
  nestedIn,
  aliases,
  schema: Type.Object({
    type: Type.Literal("group", { description: typeAllowed }),
    name: optional(Type.String(), nameAllowed),
    user_ids: Type.Array(uuid, {
      // Twice as many as may be, so that some may stand there twice; more are not worth reading.
      maxItems: 2 * maxGroupMembers,
      description: `must be the UUIDs of the members, with or without your own, at most ${maxGroupMembers} with you`,
    }),
    metadata,
    client_random: clientRandom,
    external_group_id: later("links to groups of the user service"),
    group_settings: settingsElsewhere,
  }),
});

type Read = Pick<Services, "observer" | "limits">;

/** A checked `POST /conversations`. */
export function readCreation(
  payload: unknown,
  creatorId: string,
  on: Read,
): CreateDirectBody | CreateGroupBody | Rejection {
  const isForGroup = fieldIn(payload, "type", nestedIn) === "group";
  return isForGroup ? readGroup(payload, creatorId, on) : readDirect(payload, creatorId, on);
}

function readDirect(payload: unknown, creatorId: string, { observer }: Read): CreateDirectBody | Rejection {
  const body = directPayload.parse(payload, observer);
  if (isRejection(body)) return body;
  const { other_user_id, user_ids } = body;
  if (other_user_id && user_ids) return refusedField("user_ids", "must be left out beside other_user_id");
  if (user_ids) return otherOfPair(user_ids, creatorId);
  if (!other_user_id) return refusedField("other_user_id", "must be the UUID of the other user");
  return { type: "direct", otherUserId: other_user_id };
}

/** The fallback form: the pair, with the creator in it. */
function otherOfPair(userIds: readonly string[], creatorId: string): CreateDirectBody | Rejection {
  const [other, ...more] = userIds.filter((id) => id !== creatorId);
  if (!other || more.length > 0 || userIds.length !== 2) return refusedField("user_ids", pairAllowed);
  return { type: "direct", otherUserId: other };
}

function readGroup(
  payload: unknown,
  creatorId: string,
  { observer, limits }: Read,
): CreateGroupBody | Rejection {
  const body = groupPayload.parse(payload, observer);
  if (isRejection(body)) return body;
  const named = namedMetadata(body, limits.maxMetadataBytes);
  if (isRejection(named)) return named;
  if (!named.hasName) return nameMissing;
  const random = clientRandomIn(body.client_random);
  if (random === undefined) return refusedField("client_random", clientRandomAllowed);
  const otherUserIds = body.user_ids.filter((id) => id !== creatorId);
  // Settings that are null from the start are not kept.
  const metadata = mergedMetadata("{}", named.text);
  return { type: "group", otherUserIds, metadata, clientRandom: random };
}

const nameMissing = refusedField("name", `is required: ${nameAllowed}`);
