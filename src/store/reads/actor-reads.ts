import type { Contact } from "../../core/conversations/contact.ts";
import type { ConversationState } from "../../core/conversations/conversation.ts";
import { permissionsOf } from "../../core/conversations/permissions.ts";
import type { Message } from "../../core/messages/message.ts";
import type { KeyUse } from "../../core/messages/send-key.ts";
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
import type { ReadPool } from "../connections/database.ts";
import {
  areMembers,
  type ContactRow,
  findContacts,
  findCreatedRevs,
  findKeys,
  findSeqs,
  findTargets,
  type LoadedRow,
  loadConversations,
  readMessages,
  readMetadata,
} from "./actor-statements.ts";
import { type MessageRow, toMessage } from "./message-rows.ts";
import { inPlaces, toHead, toMembers, toUs, toUsOrNull, withoutMarks } from "./rows.ts";
import { findStored, type StoredRow, storedChanges, storedValues } from "./stored-changes.ts";

/** Reads the log for actors and lanes. Each method is one query. */
export class PostgresActorReads implements ActorReads {
  readonly #reads: ReadPool;

  constructor(options: { readonly reads: ReadPool }) {
    this.#reads = options.reads;
  }

  async loadConversations(ids: readonly string[]): Promise<readonly LoadedConversation[]> {
    const { rows } = await this.#reads.query<LoadedRow>({ ...loadConversations, values: [ids] });
    return rows.map((row) => ({ state: toState(row), keyUses: toKeyUses(row) }));
  }

  async findKeys(lookups: readonly KeyLookup[]): Promise<readonly (KeyLookup & KeyUse)[]> {
    const { rows } = await this.#reads.query<KeyLookup & { seq: number; sent_at: string }>({
      ...findKeys,
      values: [
        lookups.map((each) => each.conversationId),
        lookups.map((each) => each.senderId),
        lookups.map((each) => each.deviceTag),
        lookups.map((each) => each.clientRandom),
      ],
    });
    return rows.map(({ sent_at, ...found }) => ({ ...found, sentAtUs: toUs(sent_at) }));
  }

  async findTargets(lookups: readonly TargetLookup[]): Promise<readonly (Message | null)[]> {
    const { rows } = await this.#reads.query<MessageRow & { place: number }>({
      ...findTargets,
      values: [
        lookups.map((each) => each.conversationId),
        lookups.map((each) => each.messageId),
        lookups.map((each) => each.viewerId),
      ],
    });
    return inPlaces(lookups, rows, toMessage);
  }

  async findSeqs(lookups: readonly SeenTargetLookup[]): Promise<readonly (number | null)[]> {
    const { rows } = await this.#reads.query<{ place: number; seq: number }>({
      ...findSeqs,
      values: [
        lookups.map((each) => each.conversationId),
        lookups.map((each) => each.messageId),
        lookups.map((each) => each.userId),
      ],
    });
    return inPlaces(lookups, rows, ({ seq }) => seq);
  }

  async findCreatedRevs(places: readonly MessagePlace[]): Promise<readonly (number | null)[]> {
    const { rows } = await this.#reads.query<{ place: number; created_rev: number }>({
      ...findCreatedRevs,
      values: [places.map((each) => each.conversationId), places.map((each) => each.seq)],
    });
    return inPlaces(places, rows, (row) => row.created_rev);
  }

  async areMembers(lookups: readonly MembershipLookup[]): Promise<readonly boolean[]> {
    const { rows } = await this.#reads.query<{ place: number }>({
      ...areMembers,
      values: [lookups.map((each) => each.conversationId), lookups.map((each) => each.userId)],
    });
    return inPlaces(lookups, rows, () => true).map((isMember) => isMember ?? false);
  }

  async findContacts(lookups: readonly ContactsLookup[]): Promise<readonly (readonly Contact[])[]> {
    const each = lookups.flatMap(({ userIds, ...lookup }) =>
      userIds.map((userId) => ({ ...lookup, userId })),
    );
    const { rows } = await this.#reads.query<ContactRow>({
      ...findContacts,
      values: [
        each.map(({ conversationId }) => conversationId),
        each.map(({ adderId }) => adderId),
        each.map(({ userId }) => userId),
        each.map(({ asksFirst }) => asksFirst),
      ],
    });
    const found = new Map(rows.map((row) => [row.place, toContact(row)]));
    let place = 0;
    return lookups.map(({ userIds }) => userIds.map(() => found.get(++place)!));
  }

  async readMetadata(conversationIds: readonly string[]): Promise<readonly (string | null)[]> {
    const { rows } = await this.#reads.query<{ place: number; metadata: Buffer }>({
      ...readMetadata,
      values: [conversationIds],
    });
    return inPlaces(conversationIds, rows, ({ metadata }) => metadata.toString());
  }

  async findStored(changes: readonly Change[]): Promise<readonly boolean[]> {
    const { rows } = await this.#reads.query<StoredRow>({ ...findStored, values: storedValues(changes) });
    return storedChanges(changes, rows);
  }

  async readMessages(places: readonly MessagePlace[]): Promise<readonly (Message | null)[]> {
    const { rows } = await this.#reads.query<MessageRow & { place: number }>({
      ...readMessages,
      values: [places.map((each) => each.conversationId), places.map((each) => each.seq)],
    });
    return inPlaces(places, rows, toMessage);
  }
}

function toState(row: LoadedRow): ConversationState {
  const { seq, rev, membersRev, lastMessageAtUs } = toHead(row);
  return {
    id: row.id,
    type: row.type,
    isActive: row.is_active,
    members: new Map(toMembers(row).map((member) => [member.userId, withoutMarks(member)])),
    permissions: permissionsOf(row.metadata.toString()),
    membersRev,
    seq,
    rev,
    lastSentAtUs: lastMessageAtUs ?? 0,
  };
}

function toContact(row: ContactRow): Contact {
  return {
    userId: row.user_id,
    hasBlocked: row.has_blocked,
    isBlocked: row.is_blocked,
    isKnown: row.is_known,
    staysOutUntilUs: toUsOrNull(row.stays_out_until),
  };
}

function toKeyUses(row: LoadedRow): readonly SentKey[] {
  return (row.key_senders ?? []).map((senderId, index) => {
    const [deviceTag, clientRandom] = row.key_values[index]!.split(" ").map(Number);
    return {
      senderId,
      clientRandom: clientRandom!,
      deviceTag: deviceTag!,
      seq: Number(row.key_seqs[index]),
      sentAtUs: toUs(row.key_times[index]!),
    };
  });
}
