import type { Operation } from "../../core/limits/operations.ts";

/** The operation of each event that a topic answers to. An act can be registered for no other (`Events`), so none is without a cost. */
export const eventOperations = {
  new_message: "send_message",
  send_message: "send_message",
  edit_message: "edit_message",
  delete_message: "delete_message",
  add_reaction: "add_reaction",
  remove_reaction: "remove_reaction",
  update_conversation: "update_conversation",
  message_read: "mark",
  message_delivered: "mark",
  mark_read: "mark",
  mark_conversation_read: "mark",
  mark_unread: "mark_unread",
  user_typing: "typing",
  typing_start: "typing",
  typing_stop: "typing",
  update_status: "update_status",
} as const satisfies Readonly<Record<string, Operation>>;

export type EventName = keyof typeof eventOperations;

/** Those of the protocol. Joins of all topics are counted alike. */
const protocolOperations = {
  phx_join: "join_conversation",
  phx_leave: "leave_topic",
} as const satisfies Readonly<Record<string, Operation>>;

const byName: ReadonlyMap<string, Operation> = new Map<string, Operation>([
  ...Object.entries(eventOperations),
  ...Object.entries(protocolOperations),
]);

/** What a frame of this event is counted as. */
export function operationOf(event: string): Operation {
  return byName.get(event) ?? "unknown_event";
}
