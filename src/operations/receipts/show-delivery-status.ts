import { costs } from "../../core/limits/costs.ts";
import { isRejection } from "../../core/rejection.ts";
import { lookedUpQuery } from "../asked.ts";
import { query } from "../query.ts";
import { uuidOrUnknown } from "../uuid.ts";
import { deliveryStatusSchema, deliveryStatusTexts } from "../views/delivery-status.ts";
import { closed, count, messageIdField } from "../views/schemas.ts";

export const showDeliveryStatus = query({
  name: "show_delivery_status",
  summary: "Shows who has received and read a message.",
  costs: costs.read,
  refuses: ["not_found"],
  method: "GET",
  path: "/messages/:id/delivery-status",
  query: lookedUpQuery,
  replies: {
    200: {
      summary: "One entry for every present member who was a member before the message, without its sender.",
      data: deliveryStatusSchema,
      meta: closed({ message_id: messageIdField, count: count("How many there are.") }),
    },
  },
  async answer({ caller: { userId: viewerId }, params }, { queries, newId }) {
    const messageId = uuidOrUnknown(params.id, newId);
    const recipients = await queries.deliveryStatus({ type: "show_delivery_status", viewerId, messageId });
    if (isRejection(recipients)) return recipients;
    const meta = `{"message_id":"${messageId}","count":${recipients.length}}`;
    return { status: 200, data: deliveryStatusTexts(messageId, recipients), meta };
  },
});
