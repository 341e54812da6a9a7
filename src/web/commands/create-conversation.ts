import type { CreateConversation } from "../../core/conversations/create.ts";
import type { NewId } from "../../core/ports/ids.ts";
import type { Rejection } from "../../core/rejection.ts";
import { readCreateConversation } from "../payloads/create-conversation.ts";
import type { PayloadLimits } from "../payloads/limits.ts";

export function createConversationCommand(
  payload: unknown,
  entered: {
    readonly limits: PayloadLimits;
    readonly newId: NewId;
    readonly creatorId: string;
    readonly atUs: number;
  },
): CreateConversation | Rejection {
  const { limits, newId, creatorId, atUs } = entered;
  const body = readCreateConversation(payload, creatorId, limits);
  switch (body.type) {
    case "rejection":
      return body;
    case "direct":
      return { type: "create_direct", id: newId(), creatorId, otherUserId: body.otherUserId, atUs };
    case "group": {
      const { otherUserIds, metadata } = body;
      return { type: "create_group", id: newId(), creatorId, otherUserIds, metadata, atUs };
    }
  }
}
