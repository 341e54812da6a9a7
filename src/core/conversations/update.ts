import { administrators } from "../access.ts";
import type { Decision } from "../decision.ts";
import type { Facts } from "../facts.ts";
import { reject } from "../rejection.ts";
import type { Rule } from "../rule.ts";
import type { ConversationState } from "./conversation.ts";
import type { ConversationChanged, ConversationDeactivated } from "./conversation-changed.ts";
import { changedNames, mergedMetadata, setsGroupSettings } from "./metadata.ts";
import { permissionsOf } from "./permissions.ts";

/** The conversation gets another name, or other metadata. */
export interface UpdateConversation {
  readonly type: "update_conversation";
  readonly id: string;
  readonly conversationId: string;
  readonly senderId: string;
  /** JSON text of an object: what stands at its top level takes the place of what had that name; `group_settings` are merged by name. */
  readonly metadata: string;
  /** The most bytes that the whole may have, as JSON text. */
  readonly maxMetadataBytes: number;
}

/** Decides nothing if the metadata would stay the same. Changes that wait together are merged one after the other. */
export function decideUpdate(state: ConversationState, command: UpdateConversation, facts: Facts): Decision {
  const before = facts.metadata();
  if (state.type === "direct" && setsGroupSettings(command.metadata)) return settingsAreForGroups;
  const metadata = mergedMetadata(before, command.metadata);
  if (metadata === before) return { type: "decided", events: [] };
  if (Buffer.byteLength(metadata) > command.maxMetadataBytes) return tooLarge(command.maxMetadataBytes);
  const { id, type, isActive } = state;
  const changed: ConversationChanged = {
    type: "conversation_changed",
    conversationId: id,
    rev: state.rev + 1,
    atUs: facts.nowUs,
    conversation: { id, type, metadata, isActive },
    change: { actorId: command.senderId, names: changedNames(before, metadata) },
  };
  return { type: "decided", events: [changed] };
}

export function applyConversationChanged(
  state: ConversationState,
  event: ConversationChanged | ConversationDeactivated,
): void {
  if (event.type === "conversation_deactivated") {
    state.isActive = false;
    return;
  }
  const { metadata, isActive } = event.conversation;
  state.isActive = isActive;
  state.permissions = permissionsOf(metadata);
}

const notInDirect = "is for groups: both members of a direct conversation may do everything in it";
const settingsAreForGroups = reject("invalid_payload", `metadata.group_settings ${notInDirect}.`, {
  details: { "metadata.group_settings": notInDirect },
});

function tooLarge(maxBytes: number) {
  const problem = `must be at most ${maxBytes} bytes as JSON text together with what is there already`;
  return reject("invalid_payload", `metadata ${problem}. Set what is not needed any more to null.`, {
    details: { metadata: problem },
  });
}

export const updateRule: Rule<UpdateConversation> = {
  allows: administrators,
  needs: { metadata: true },
  size: ({ metadata }) => metadata.length,
  decide: decideUpdate,
};
