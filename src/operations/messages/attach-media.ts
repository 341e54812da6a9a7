import { Type } from "@sinclair/typebox";
import { costs } from "../../core/limits/costs.ts";
import type { AttachMedia } from "../../core/messages/attach.ts";
import { isRejection } from "../../core/rejection.ts";
import { aboutMessageLookedUp } from "../asked.ts";
import { command } from "../command.ts";
import { conversationId, messageId } from "../fields.ts";
import { PayloadShape } from "../payload-shape.ts";
import { messageAfter } from "../settled-message.ts";
import { attachmentSchema, attachmentText } from "../views/attachment.ts";
import { closed } from "../views/schemas.ts";
import { attachment, attachmentOf } from "./attachment-fields.ts";
import { relationQuery } from "./relation-query.ts";
import { targetOf } from "./target.ts";

const schema = Type.Object({ ...attachment, message_id: messageId, conversation_id: conversationId });

export const attachMedia = command<typeof schema, AttachMedia>({
  name: "attach_media",
  summary: "Attaches media to your own message while its edit window is open.",
  description:
    "Only the reference is stored here. Media that the message refers to already are not attached again.",
  costs: costs.change,
  refuses: ["not_found", "forbidden", "conflict", "outcome_unknown"],
  payload: new PayloadShape({
    operation: "attach_media",
    schema,
    example: { media_id: "media-7", media_type: "image", metadata: { filename: "cat.jpg", size: 48_211 } },
  }),
  toCommand(body, asked, on) {
    const attachment = attachmentOf(body, on.limits);
    if (isRejection(attachment)) return attachment;
    const target = targetOf(body, asked, on);
    if (isRejection(target)) return target;
    const withinUs = on.limits.editWindowMs * 1_000;
    return { type: "attach_media", ...target, attachment: { id: on.newId(), ...attachment }, withinUs };
  },
  rest: [
    {
      method: "POST",
      path: "/messages/:id/attachments",
      at: aboutMessageLookedUp,
      query: relationQuery,
      replies: {
        201: { summary: "The media are attached.", data: attachmentSchema, meta: closed({}) },
        200: {
          summary: "The attachment that refers to the same media.",
          data: attachmentSchema,
          meta: closed({}),
        },
      },
      answer(settled, { messageId, attachment: { mediaId } }) {
        const found = messageAfter(settled).attachments!.find((each) => each.mediaId === mediaId)!;
        return { status: settled.type === "done" ? 201 : 200, data: attachmentText(messageId, found) };
      },
    },
  ],
});
