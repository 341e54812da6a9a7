import { members } from "../access.ts";
import type { ConversationState } from "../conversations/conversation.ts";
import type { Decision } from "../decision.ts";
import type { Facts } from "../facts.ts";
import { reject } from "../rejection.ts";
import { type Rule, theMessage } from "../rule.ts";
import { type GivenAttachment, maxAttachments, sizeOfAttachments } from "./attachment.ts";
import { changed, noSuchMessage, targetOf } from "./edit.ts";
import { mayNotWrite } from "./writing.ts";

/** Adds a reference to media to a message that is stored. */
export interface AttachMedia {
  readonly type: "attach_media";
  readonly id: string;
  readonly conversationId: string;
  readonly senderId: string;
  readonly messageId: string;
  readonly attachment: GivenAttachment;
  /** How long after it was sent a message may be changed by its author. Microseconds. */
  readonly withinUs: number;
}

/** The author's own media message, while its window is open. The same media again changes nothing. */
export function decideAttach(state: ConversationState, command: AttachMedia, facts: Facts): Decision {
  const { nowUs } = facts;
  const message = targetOf(state, facts, command);
  if (!message) return noSuchMessage;
  if (message.senderId !== command.senderId) return notTheAuthor;
  if (message.deletedAtUs !== null || message.messageType !== "media") return notMedia;
  const refusal = mayNotWrite(state, { senderId: command.senderId, mentions: false }, "media");
  if (refusal) return refusal;
  const { attachment } = command;
  const before = message.attachments ?? [];
  if (before.some(({ mediaId }) => mediaId === attachment.mediaId)) return { type: "unchanged", message };
  if (before.length >= maxAttachments) return tooMany;
  if (nowUs - message.sentAtUs > command.withinUs) return tooOld;
  const attachments = [...before, { ...attachment, createdAtUs: nowUs }];
  const attached = { ...message, rev: state.rev + 1, attachments };
  return { type: "decided", events: [changed("media_attached", command, attached)] };
}

const notTheAuthor = reject("forbidden", "Only its author can attach media to a message.");
const notMedia = reject("conflict", "Media can be attached only to a media message that is not deleted.");
const tooMany = reject("conflict", `A message has at most ${maxAttachments} attachments.`);
const tooOld = reject("conflict", "The time to attach media to this message is over.");

export const attachRule: Rule<AttachMedia> = {
  allows: members,
  needs: theMessage,
  size: ({ attachment }) => sizeOfAttachments([attachment]),
  decide: decideAttach,
};
