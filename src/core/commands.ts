import { acceptRule, declineRule } from "./conversations/acceptance.ts";
import { applyBlocksRule } from "./conversations/blocks.ts";
import { changeRoleRule } from "./conversations/change-role.ts";
import { addRule, leaveRule, removeRule } from "./conversations/members.ts";
import { returnRule } from "./conversations/return-to-direct.ts";
import { updateRule } from "./conversations/update.ts";
import { attachRule } from "./messages/attach.ts";
import { deleteRule } from "./messages/delete.ts";
import { editRule } from "./messages/edit.ts";
import { reactRule, unreactRule } from "./messages/react.ts";
import { sendRule } from "./messages/send.ts";
import type { Needs, Rule } from "./rule.ts";

const rules = {
  send_message: sendRule,
  edit_message: editRule,
  delete_message: deleteRule,
  attach_media: attachRule,
  add_reaction: reactRule,
  remove_reaction: unreactRule,
  add_members: addRule,
  remove_member: removeRule,
  leave_conversation: leaveRule,
  change_role: changeRoleRule,
  update_conversation: updateRule,
  accept_conversation: acceptRule,
  decline_conversation: declineRule,
  return_to_direct: returnRule,
  apply_blocks: applyBlocksRule,
};

type CommandOf<Known> = Known extends Rule<infer One> ? One : never;

/** Everything that changes a conversation. REST, WebSocket, gRPC and the schedulers only build these. */
export type Command = CommandOf<(typeof rules)[keyof typeof rules]>;

/** Proves that each rule stands under the type of its command. */
export const ruleByType: {
  readonly [Type in Command["type"]]: Rule<Extract<Command, { readonly type: Type }>>;
} = rules;

/** Undefined: the type has no rule. */
function known({ type }: Command): Rule<Command> | undefined {
  return ruleByType[type] as Rule<Command> | undefined;
}

/** Throws for a type that has no rule. */
export function ruleOf(command: Command): Rule<Command> {
  const rule = known(command);
  if (!rule) throw new Error(`there is no rule for ${command.type}`);
  return rule;
}

const nothing: Needs<Command> = {};

/** Returns what the command needs to know before it is decided. */
export function needsOf(command: Command): Needs<Command> {
  return known(command)?.needs ?? nothing;
}

/** Whether the command can make users members after their contacts were looked up. */
export function bringsTogether(command: Command): boolean {
  return needsOf(command).contacts !== undefined;
}

/** Whether the server issues the command. Then its sender need not be a member. */
export function isOfServer(command: Command): boolean {
  return known(command)?.isOfServer === true;
}

/** Returns the characters that the client wrote in the command. */
export function sizeOf(command: Command): number {
  return known(command)?.size?.(command) ?? 0;
}
