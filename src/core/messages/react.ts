import { members } from "../access.ts";
import type { ConversationState } from "../conversations/conversation.ts";
import type { Decision } from "../decision.ts";
import type { Facts } from "../facts.ts";
import { reject } from "../rejection.ts";
import { type Rule, theMessage } from "../rule.ts";
import { noSuchMessage, targetOf } from "./edit.ts";
import type { Message, ReactionChanged } from "./message.ts";
import { type Reaction, reactionsOf } from "./reaction.ts";

export interface AddReaction {
  readonly type: "add_reaction";
  /** Becomes the reaction's id. */
  readonly id: string;
  readonly conversationId: string;
  /** The user who reacts: the token's subject. */
  readonly senderId: string;
  readonly messageId: string;
  readonly reaction: string;
}

export interface RemoveReaction {
  readonly type: "remove_reaction";
  readonly id: string;
  readonly conversationId: string;
  readonly senderId: string;
  readonly messageId: string;
  readonly reaction: string;
}

/** Different ones of one member to one message. */
const mostOfOne = 20;
/** Of all members to one message: its actor reads them all. */
const mostOfAll = 1_000;

/** Lets any member react to any message that they see and that is not deleted. The same reaction again changes nothing. */
export function decideReact(state: ConversationState, command: AddReaction, facts: Facts): Decision {
  const { nowUs } = facts;
  const message = targetOf(state, facts, command);
  if (!message) return noSuchMessage;
  if (message.deletedAtUs !== null) return deleted;
  const list = message.reactions?.list ?? [];
  const own = list.filter(({ userId }) => userId === command.senderId);
  if (own.some(({ reaction }) => reaction === command.reaction)) return { type: "unchanged", message };
  if (own.length >= mostOfOne) return tooManyOfOne;
  if (list.length >= mostOfAll) return tooManyOfAll;
  const reactedAtUs = Math.max(nowUs, (list.at(-1)?.reactedAtUs ?? 0) + 1);
  const { id, senderId: userId, reaction } = command;
  const added = { id, userId, reaction, reactedAtUs };
  return reacted("reaction_added", command, message, state.rev + 1, added, [...list, added]);
}

/** Removes a reaction of the sender. */
export function decideUnreact(state: ConversationState, command: RemoveReaction, facts: Facts): Decision {
  const message = targetOf(state, facts, command);
  if (!message) return noSuchMessage;
  const list = message.reactions?.list ?? [];
  const removed = reactionOf(message, command.senderId, command.reaction);
  if (!removed) return noSuchReaction;
  const left = list.filter((each) => each !== removed);
  return reacted("reaction_removed", command, message, state.rev + 1, removed, left);
}

/** Returns the reaction of this member; null: they have not reacted so. */
export function reactionOf({ reactions }: Message, userId: string, reaction: string): Reaction | null {
  return reactions?.list.find((each) => each.userId === userId && each.reaction === reaction) ?? null;
}

function reacted(
  type: ReactionChanged["type"],
  { id: changeId, conversationId }: AddReaction | RemoveReaction,
  message: Message,
  rev: number,
  reaction: Reaction,
  list: readonly Reaction[],
): Decision {
  const changed = { ...message, rev, reactions: reactionsOf(list) };
  return { type: "decided", events: [{ type, conversationId, rev, changeId, message: changed, reaction }] };
}

const deleted = reject("conflict", "Nobody can react to a deleted message.");
const tooManyOfOne = reject(
  "conflict",
  `A member has at most ${mostOfOne} different reactions to one message. Remove one first.`,
);
const tooManyOfAll = reject("conflict", `A message has at most ${mostOfAll} reactions.`);
const noSuchReaction = reject("not_found", "Reaction not found: you have no such reaction to this message.");

export const reactRule: Rule<AddReaction> = {
  allows: members,
  needs: theMessage,
  decide: decideReact,
};

export const unreactRule: Rule<RemoveReaction> = {
  allows: members,
  needs: theMessage,
  decide: decideUnreact,
};
