import { type ChangesOptions, changeRoutes } from "./changes-controller.ts";
import { type ConversationsOptions, conversationRoutes } from "./conversations-controller.ts";
import { type MembersOptions, memberRoutes } from "./members-controller.ts";
import { type MessageChangesOptions, messageChangeRoutes } from "./message-changes-controller.ts";
import { type MessageRelationsOptions, messageRelationRoutes } from "./message-relations-controller.ts";
import { type MessagesOptions, messageRoutes } from "./messages-controller.ts";
import { type ReceiptsOptions, receiptRoutes } from "./receipts-controller.ts";
import { type RequestsOptions, requestRoutes } from "./requests-controller.ts";
import type { Route } from "./route.ts";

export type RoutesOptions = ConversationsOptions &
  MembersOptions &
  MessagesOptions &
  MessageChangesOptions &
  MessageRelationsOptions &
  ReceiptsOptions &
  RequestsOptions &
  ChangesOptions;

/** Every operation of the REST API. */
export function apiRoutes(options: RoutesOptions): readonly Route[] {
  return [
    ...conversationRoutes(options),
    ...memberRoutes(options),
    ...requestRoutes(options),
    ...messageRoutes(options),
    ...messageChangeRoutes(options),
    ...messageRelationRoutes(options),
    ...receiptRoutes(options),
    ...changeRoutes(options),
  ];
}
