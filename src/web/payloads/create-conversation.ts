import { Type } from "@sinclair/typebox";
import { isRejection, type Rejection } from "../../core/rejection.ts";
import { PayloadShape } from "../payload-shape.ts";
import { nameAllowed, namedMetadata } from "./conversation-metadata.ts";
import {
  clientRandom,
  clientRandomAllowed,
  clientRandomIn,
  idIn,
  ignored,
  later,
  metadata,
  optional,
  strict,
  uuid,
} from "./fields.ts";
import type { PayloadLimits } from "./limits.ts";
import { refusedField } from "./refused-field.ts";

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

const direct = new PayloadShape(
  Type.Object(
    {
      type: Type.Literal("direct", { description: typeAllowed }),
      other_user_id: optional(uuid, "must be the UUID of the other user"),
      user_ids: optional(Type.Array(uuid, { minItems: 2, maxItems: 2 }), pairAllowed),
      name: Type.Optional(Type.Null({ description: "is for groups; leave it out" })),
      metadata: later("settings of direct conversations"),
      external_group_id: Type.Optional(Type.Null({ description: "is for groups; leave it out" })),
      // Two users have one direct conversation, however often it is created.
      client_random: ignored,
    },
    strict,
  ),
);

const group = new PayloadShape(
  Type.Object(
    {
      type: Type.Literal("group", { description: typeAllowed }),
      name: optional(Type.String(), nameAllowed),
      user_ids: Type.Array(uuid, {
        description: "must be the UUIDs of the members, with or without your own",
      }),
      metadata,
      client_random: clientRandom,
      external_group_id: later("links to groups of the user service"),
    },
    strict,
  ),
);

/** A checked `POST /conversations`. */
export function readCreateConversation(
  payload: unknown,
  creatorId: string,
  limits: PayloadLimits,
): CreateDirectBody | CreateGroupBody | Rejection {
  return isForGroup(payload) ? readGroup(payload, creatorId, limits) : readDirect(payload, creatorId);
}

function isForGroup(payload: unknown): boolean {
  return typeof payload === "object" && payload !== null && "type" in payload && payload.type === "group";
}

function readDirect(payload: unknown, creatorId: string): CreateDirectBody | Rejection {
  if (!direct.fits(payload)) return direct.refusal(payload);
  const { other_user_id, user_ids } = payload;
  if (other_user_id && user_ids) return refusedField("user_ids", "must be left out beside other_user_id");
  if (user_ids) return otherOfPair(user_ids, creatorId);
  const otherUserId = idIn(other_user_id);
  if (!otherUserId) return refusedField("other_user_id", "must be the UUID of the other user");
  return { type: "direct", otherUserId };
}

/** The fallback form: the pair, with the creator in it. */
function otherOfPair(userIds: readonly string[], creatorId: string): CreateDirectBody | Rejection {
  const [other, ...more] = userIds.map((id) => id.toLowerCase()).filter((id) => id !== creatorId);
  if (!other || more.length > 0) return refusedField("user_ids", pairAllowed);
  return { type: "direct", otherUserId: other };
}

function readGroup(payload: unknown, creatorId: string, limits: PayloadLimits): CreateGroupBody | Rejection {
  if (!group.fits(payload)) return group.refusal(payload);
  const named = namedMetadata(payload, limits.maxMetadataBytes);
  if (isRejection(named)) return named;
  if (!named.hasName) return nameMissing;
  const random = clientRandomIn(payload.client_random);
  if (random === undefined) return refusedField("client_random", clientRandomAllowed);
  const members = new Set(payload.user_ids.map((id) => id.toLowerCase()));
  members.delete(creatorId);
  return { type: "group", otherUserIds: [...members], metadata: named.text, clientRandom: random };
}

const nameMissing = refusedField("name", `is required: ${nameAllowed}`);
