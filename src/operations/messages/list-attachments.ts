import { Type } from "@sinclair/typebox";
import { costs } from "../../core/limits/costs.ts";
import { isRejection } from "../../core/rejection.ts";
import { messageOfPath } from "../asked.ts";
import { query } from "../query.ts";
import { attachmentSchema, attachmentTexts } from "../views/attachment.ts";
import { closed, count, messageIdField } from "../views/schemas.ts";
import { relationQuery } from "./relation-query.ts";

export const listAttachments = query({
  name: "list_attachments",
  summary: "Lists the attachments of a message.",
  costs: costs.read,
  authorizedAs: ["show_message"],
  refuses: ["not_found"],
  method: "GET",
  path: "/messages/:id/attachments",
  query: relationQuery,
  replies: {
    200: {
      summary: "All attachments.",
      data: Type.Array(attachmentSchema),
      meta: closed({ message_id: messageIdField, count: count("How many there are.") }),
    },
  },
  async answer(call, on) {
    const message = await messageOfPath(call, on, "attachments");
    if (isRejection(message)) return message;
    const meta = `{"message_id":"${message.id}","count":${message.attachments?.length ?? 0}}`;
    return { status: 200, data: attachmentTexts(message.id, message.attachments), meta };
  },
});
