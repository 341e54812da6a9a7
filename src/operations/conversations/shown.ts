import { isRejection, type Rejection } from "../../core/rejection.ts";
import type { Answer, ReplyDoc } from "../operation.ts";
import type { Services } from "../services.ts";
import { conversationSchema, conversationText } from "../views/conversation.ts";
import { closed } from "../views/schemas.ts";

export function shownDoc(summary: string): ReplyDoc {
  return { summary, data: conversationSchema, meta: closed({}) };
}

/** Answers with the conversation as it is now. */
export async function shown(
  { queries }: Pick<Services, "queries">,
  viewerId: string,
  conversationId: string,
): Promise<Answer | Rejection> {
  const summary = await queries.show({ type: "show_conversation", viewerId, conversationId });
  return isRejection(summary) ? summary : { status: 200, data: conversationText(summary) };
}
