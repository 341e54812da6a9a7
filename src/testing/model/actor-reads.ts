import type { Contact } from "../../core/conversations/contact.ts";
import type { ConversationState } from "../../core/conversations/conversation.ts";
import { permissionsOf } from "../../core/conversations/permissions.ts";
import type { Message } from "../../core/messages/message.ts";
import { type KeyUse, untagged } from "../../core/messages/send-key.ts";
import type {
  ActorReads,
  ContactsLookup,
  KeyLookup,
  LoadedConversation,
  MembershipLookup,
  MessagePlace,
  SeenTargetLookup,
  SentKey,
  TargetLookup,
} from "../../core/ports/actor-reads.ts";
import type { Change } from "../../core/ports/commit.ts";
import { keyOf, type Log, memberOf, presentIn } from "./log.ts";
import type { ModelStore } from "./model-store.ts";
import { shown } from "./sight.ts";

/** Reads as store/reads/actor-reads.ts does. */
export class ModelActorReads implements ActorReads {
  readonly #model: ModelStore;

  constructor(model: ModelStore) {
    this.#model = model;
  }

  async loadConversations(ids: readonly string[]): Promise<readonly LoadedConversation[]> {
    return loadFrom(this.#model, ids);
  }

  async findKeys(lookups: readonly KeyLookup[]): Promise<readonly (KeyLookup & KeyUse)[]> {
    return lookups.flatMap((lookup) => {
      const keys = this.#model.logs.get(lookup.conversationId)?.keys;
      const tags = [untagged, lookup.deviceTag];
      const uses = tags.map((deviceTag) => keys?.get(keyOf(lookup.senderId, { ...lookup, deviceTag })));
      return uses.flatMap((use) => (use ? [{ ...lookup, ...use }] : []));
    });
  }

  async findTargets(lookups: readonly TargetLookup[]): Promise<readonly (Message | null)[]> {
    return lookups.map(({ conversationId, messageId, viewerId }) => {
      const log = this.#model.logs.get(conversationId);
      const message = log?.messages.find(({ id }) => id === messageId);
      const joinedSeq =
        viewerId === null ? 0 : this.#model.presentMember(conversationId, viewerId)?.joinedSeq;
      if (!log || !message || joinedSeq === undefined || message.seq <= joinedSeq) return null;
      return shown(log, message, { joinedSeq, maxReactions: Number.POSITIVE_INFINITY });
    });
  }

  async findSeqs(lookups: readonly SeenTargetLookup[]): Promise<readonly (number | null)[]> {
    return lookups.map(({ userId, conversationId, messageId }) => {
      const messages = this.#model.logs.get(conversationId)?.messages;
      const seq = messages?.find(({ id }) => id === messageId)?.seq ?? 0;
      const own = this.#model.presentMember(conversationId, userId);
      return own && seq > own.joinedSeq ? seq : null;
    });
  }

  async findCreatedRevs(places: readonly MessagePlace[]): Promise<readonly (number | null)[]> {
    return createdRevs(this.#model, places);
  }

  async areMembers(lookups: readonly MembershipLookup[]): Promise<readonly boolean[]> {
    return lookups.map(
      ({ conversationId, userId }) => this.#model.presentMember(conversationId, userId) !== undefined,
    );
  }

  async findContacts(lookups: readonly ContactsLookup[]): Promise<readonly (readonly Contact[])[]> {
    return lookups.map((lookup) => lookup.userIds.map((userId) => this.#contactOf(lookup, userId)));
  }

  async readMetadata(conversationIds: readonly string[]): Promise<readonly (string | null)[]> {
    return conversationIds.map((id) => this.#model.logs.get(id)?.metadata ?? null);
  }

  async findStored(changes: readonly Change[]): Promise<readonly boolean[]> {
    return changes.map(({ conversationId, rev, events }) => {
      const stored = this.#model.logs.get(conversationId)?.changes.get(rev);
      return stored !== undefined && Bun.deepEquals(stored, events);
    });
  }

  async readMessages(places: readonly MessagePlace[]): Promise<readonly (Message | null)[]> {
    return places.map(({ conversationId, seq }) => {
      const log = this.#model.logs.get(conversationId);
      const message = log?.messages[seq - 1];
      return log && message ? shown(log, message) : null;
    });
  }

  #contactOf({ conversationId, adderId, asksFirst }: ContactsLookup, userId: string): Contact {
    return {
      userId,
      hasBlocked: this.#model.hasBlocked(userId, adderId),
      isBlocked: this.#model.hasBlocked(adderId, userId),
      isKnown: asksFirst && this.#model.isKnown(adderId, userId),
      staysOutUntilUs: this.#model.logs.get(conversationId)?.members.get(userId)?.staysOutUntilUs ?? null,
    };
  }
}

export function createdRevs(model: ModelStore, places: readonly MessagePlace[]): (number | null)[] {
  return places.map(({ conversationId, seq }) => model.message(conversationId, seq)?.createdRev ?? null);
}

/** Returns what actors start from, of the conversations that exist. */
export function loadFrom(model: ModelStore, ids: readonly string[]): LoadedConversation[] {
  return ids.flatMap((id) => {
    const log = model.logs.get(id);
    return log ? [{ state: stateOf(log), keyUses: keyUsesOf(log, model.loadedKeys) }] : [];
  });
}

/** Returns the states of the conversations that exist. */
export function loadStates(model: ModelStore, ids: readonly string[]): ConversationState[] {
  return loadFrom(model, ids).map(({ state }) => state);
}

function stateOf(log: Log): ConversationState {
  return {
    id: log.id,
    type: log.type,
    isActive: log.isActive,
    members: new Map(presentIn(log).map((member) => [member.userId, memberOf(member)])),
    permissions: permissionsOf(log.metadata),
    membersRev: log.membersRev,
    seq: log.messages.length,
    rev: log.rev,
    lastSentAtUs: log.messages.at(-1)?.sentAtUs ?? 0,
  };
}

/** Of the newest messages, the newest last. */
function keyUsesOf(log: Log, loadedKeys: number): readonly SentKey[] {
  const uses = [...log.keys.values()].filter(({ seq }) => seq > log.messages.length - loadedKeys);
  const ordered = uses.toSorted((one, other) => one.seq - other.seq);
  return ordered.map((use) => {
    const { senderId, clientRandom } = log.messages[use.seq - 1]!;
    return { ...use, senderId, clientRandom: clientRandom! };
  });
}
