import type { CreateConversation } from "../../core/conversations/create.ts";
import type { NewId } from "../../core/ports/ids.ts";
import type { Rejection } from "../../core/rejection.ts";
import { keyedId } from "../keyed-id.ts";
import { readCreateConversation } from "../payloads/create-conversation.ts";
import type { BoundedReading } from "../payloads/limits.ts";

export function createConversationCommand(
  payload: unknown,
  entered: BoundedReading & {
    readonly newId: NewId;
    readonly creatorId: string;
    readonly deviceId: string | null;
    /** Under which a group is created once; null: that of the body, if it has one. */
    readonly key: string | null;
    readonly atUs: number;
  },
): CreateConversation | Rejection {
  const { newId, creatorId, deviceId, atUs } = entered;
  const { asksFirst } = entered.limits;
  const body = readCreateConversation(payload, creatorId, entered);
  switch (body.type) {
    case "rejection":
      return body;
    case "direct":
      return {
        type: "create_direct",
        id: newId(),
        creatorId,
        otherUserId: body.otherUserId,
        asksFirst,
        atUs,
      };
    case "group": {
      const { otherUserIds, metadata, clientRandom } = body;
      const key = entered.key ?? (clientRandom === null ? null : `client_random ${clientRandom}`);
      const id = key === null ? newId() : keyedId({ userId: creatorId, deviceId, key });
      return { type: "create_group", id, creatorId, otherUserIds, metadata, asksFirst, atUs };
    }
  }
}
