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
import { toHead, toMembers, toUs, toUsOrNull, withoutMarks } from "./rows.ts";
import { findStored, type StoredRow, storedChanges, storedValues } from "./stored-changes.ts";

/** What actors and lanes read of the log. One query each. */
export class PostgresActorReads implements ActorReads {
  readonly #reads: ReadPool;

  constructor(options: { readonly reads: ReadPool }) {
    this.#reads = options.reads;
  }

  async loadConversations(ids: readonly string[]): Promise<readonly LoadedConversation[]> {
    const { rows } = await this.#reads.query<LoadedRow>({ ...loadConversations, values: [ids] });
    return rows.map((row) => ({ state: toState(row), keyUses: toKeyUses(row) }));
  }

  async findKeys(questions: readonly KeyLookup[]): Promise<readonly (KeyLookup & KeyUse)[]> {
    const { rows } = await this.#reads.query<KeyLookup & { seq: number; sent_at: string }>({
      ...findKeys,
      values: [
        questions.map((each) => each.conversationId),
        questions.map((each) => each.senderId),
        questions.map((each) => each.deviceTag),
        questions.map((each) => each.clientRandom),
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
    const found = new Map(rows.map((row) => [row.place, toMessage(row)]));
    return lookups.map((_, index) => found.get(index + 1) ?? null);
  }

  async findSeqs(questions: readonly SeenTargetLookup[]): Promise<readonly (number | null)[]> {
    const { rows } = await this.#reads.query<{ place: number; seq: number }>({
      ...findSeqs,
      values: [
        questions.map((each) => each.conversationId),
        questions.map((each) => each.messageId),
        questions.map((each) => each.userId),
      ],
    });
    const found = new Map(rows.map(({ place, seq }) => [place, seq]));
    return questions.map((_, index) => found.get(index + 1) ?? null);
  }

  async findCreatedRevs(places: readonly MessagePlace[]): Promise<readonly (number | null)[]> {
    const { rows } = await this.#reads.query<{ place: number; created_rev: number }>({
      ...findCreatedRevs,
      values: [places.map((each) => each.conversationId), places.map((each) => each.seq)],
    });
    const found = new Map(rows.map(({ place, created_rev }) => [place, created_rev]));
    return places.map((_, index) => found.get(index + 1) ?? null);
  }

  async areMembers(questions: readonly MembershipLookup[]): Promise<readonly boolean[]> {
    const { rows } = await this.#reads.query<{ place: number }>({
      ...areMembers,
      values: [questions.map((each) => each.conversationId), questions.map((each) => each.userId)],
    });
    const members = new Set(rows.map(({ place }) => place));
    return questions.map((_, index) => members.has(index + 1));
  }

  async findContacts(questions: readonly ContactsLookup[]): Promise<readonly (readonly Contact[])[]> {
    const each = questions.flatMap(({ userIds, ...question }) =>
      userIds.map((userId) => ({ ...question, userId })),
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
    return questions.map(({ userIds }) => userIds.map(() => found.get(++place)!));
  }

  async readMetadata(conversationIds: readonly string[]): Promise<readonly (string | null)[]> {
    const { rows } = await this.#reads.query<{ place: number; metadata: Buffer }>({
      ...readMetadata,
      values: [conversationIds],
    });
    const found = new Map(rows.map(({ place, metadata }) => [place, metadata.toString()]));
    return conversationIds.map((_, index) => found.get(index + 1) ?? null);
  }

  async findStored(changes: readonly Change[]): Promise<readonly boolean[]> {
    const { rows } = await this.#reads.query<StoredRow>({ ...findStored, values: storedValues(changes) });
    return storedChanges(changes, rows);
  }

  async readMessages(asked: readonly MessagePlace[]): Promise<readonly (Message | null)[]> {
    const { rows } = await this.#reads.query<MessageRow & { place: number }>({
      ...readMessages,
      values: [asked.map((each) => each.conversationId), asked.map((each) => each.seq)],
    });
    const found = new Map(rows.map((row) => [row.place, toMessage(row)]));
    return asked.map((_, index) => found.get(index + 1) ?? null);
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
