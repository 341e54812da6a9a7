import { afterAll, beforeAll, expect, test } from "bun:test";
import type { Command } from "../../core/commands.ts";
import type { ConversationState } from "../../core/conversations/conversation.ts";
import type { MarkMove } from "../../core/messages/marks.ts";
import { deviceTagOf } from "../../core/messages/send-key.ts";
import type { AppendOutcome, Change } from "../../core/ports/commit.ts";
import { shardOf } from "../../core/ports/ownership.ts";
import type { Changes } from "../../core/ports/sync-reads.ts";
import type { KnownFacts } from "../../engine/conversation/known-facts.ts";
import { byUser } from "../../store/contract/stage.ts";
import { PostgresSyncReads } from "../../store/reads/sync-reads.ts";
import { PostgresViewerReads } from "../../store/reads/viewer-reads.ts";
import { newId } from "../../system.ts";
import { aSend } from "../builders/builders.ts";
import { aBatch, startUs } from "../builders/changes.ts";
import { applyAll, decideWith, someFacts } from "../builders/facts.ts";
import { Random } from "../builders/random.ts";
import { startWriter, type Writer } from "../processes/writer-on-postgres.ts";
import { loadFrom } from "./actor-reads.ts";
import { appendTo } from "./commit.ts";
import { modelPorts } from "./model-ports.ts";
import { ModelStore } from "./model-store.ts";

/** What the engine's plays are judged by: the model must do what PostgreSQL does, batch by batch. */

let writer: Writer;
beforeAll(async () => {
  writer = await startWriter();
}, 120_000);
afterAll(() => writer.close());

/** Batches of a few groups, decided as actors would, some against heads that are elsewhere. */
class Groups {
  readonly model = new ModelStore({ loadedKeys: 1_000 });
  readonly ids: string[] = [];
  readonly #random: Random;
  readonly people = Array.from({ length: 6 }, newId);
  #nowUs = startUs;

  constructor(random: Random) {
    this.#random = random;
  }

  async make(count: number): Promise<void> {
    for (let made = 0; made < count; made++) {
      const id = newId();
      const userIds = this.people.slice(0, 3);
      const [creatorId, ...otherUserIds] = userIds as [string, ...string[]];
      const command = {
        type: "create_group",
        id,
        creatorId,
        otherUserIds,
        metadata: "{}",
        atUs: startUs,
      } as const;
      for (const { creation } of [writer, modelPorts(this.model)]) await creation.createGroup(command);
      this.ids.push(id);
    }
  }

  aBatch() {
    const changes = this.ids.flatMap((id) => (this.#random.chance(0.7) ? this.#changesOf(id) : []));
    const told = new Set(
      changes.flatMap(({ conversationId, events }) =>
        events.flatMap((event) => ("member" in event ? [`${conversationId} ${event.member.userId}`] : [])),
      ),
    );
    const marks = this.ids.flatMap((id) => this.#marksOf(id));
    return aBatch({
      changes,
      marks: marks.filter((mark) => !told.has(`${mark.conversationId} ${mark.userId}`)),
      atUs: this.#nowUs++,
    });
  }

  #changesOf(id: string): Change[] {
    const { state, keyUses } = loadFrom(this.model, [id])[0]!;
    const facts = someFacts();
    facts.loaded(keyUses);
    for (const message of this.model.logs.get(id)!.messages) facts.learnMessage(message.id, message);
    if (this.#random.chance(0.1)) state.rev += 3;
    return Array.from({ length: this.#random.below(5) }, () => this.#changeOf(state, facts)).flatMap(
      (change) => (change === null ? [] : [change]),
    );
  }

  #changeOf(state: ConversationState, facts: KnownFacts): Change | null {
    this.#nowUs += 1_000;
    const command = this.#commandOf(state);
    const decision = decideWith(state, facts, command, this.#nowUs);
    if (decision.type !== "decided" || decision.events.length === 0) return null;
    applyAll(state, facts, decision.events);
    const { id: conversationId, rev, members, membersRev } = state;
    return { conversationId, rev, events: decision.events, members, membersRev };
  }

  #commandOf(state: ConversationState): Command {
    const random = this.#random;
    const senderId = random.pick([...state.members.keys(), ...this.people]);
    const about = { id: newId(), conversationId: state.id, senderId };
    const { messages } = this.model.logs.get(state.id)!;
    const targets = [...messages.map((message) => message.id), newId()];
    const dice = random.below(10);
    if (dice < 2) {
      const content = `edited ${this.#nowUs}`;
      const messageId = random.pick(targets);
      return {
        type: "edit_message",
        ...about,
        messageId,
        content,
        metadata: null,
        mentions: false,
        withinUs: 1e15,
      };
    }
    if (dice < 3)
      return { type: "delete_message", ...about, messageId: random.pick(targets), withinUs: 1e15 };
    if (dice < 4) return { type: "add_members", ...about, userIds: [random.pick(this.people)] };
    if (dice < 5) return { type: "remove_member", ...about, userId: random.pick(this.people) };
    if (dice < 6 && state.members.size > 2) return { type: "leave_conversation", ...about };
    const deviceTag = random.pick([deviceTagOf(null), deviceTagOf("phone")]);
    return aSend({ ...about, deviceTag, clientRandom: random.chance(0.5) ? random.below(40) : null });
  }

  #marksOf(conversationId: string): MarkMove[] {
    const random = this.#random;
    const length = this.model.logs.get(conversationId)!.messages.length;
    return this.people
      .filter(() => random.chance(0.3))
      .map((userId) => ({
        conversationId,
        userId,
        deliveredSeq: random.chance(0.7) ? random.below(length + 4) : null,
        readSeq: random.chance(0.5) ? random.below(length + 4) : null,
      }));
  }
}

/** In an order that both can be compared in. */
function inOrder(outcome: AppendOutcome): unknown {
  if (outcome.type === "refused") return { type: outcome.type, cause: outcome.cause };
  if (outcome.type !== "stored") return outcome;
  const byUser = (one: { userId: string }, other: { userId: string }) => (one.userId < other.userId ? -1 : 1);
  const marked = outcome.marked
    .map((each) => ({
      ...each,
      moved: each.moved.toSorted(byUser),
      members: each.members.toSorted(byUser),
    }))
    .toSorted((one, other) => (one.conversationId < other.conversationId ? -1 : 1));
  return { ...outcome, moved: [...outcome.moved].sort(), marked };
}

async function storedIn(id: string) {
  const of = async (text: string) =>
    (await writer.database.sql<{ row: unknown }>(text, [id])).map(({ row }) => row);
  return {
    head: await of(
      "select json_build_array(seq, rev, members_rev) as row from conversation_heads where conversation_id = $1",
    ),
    messages: await of(
      `select json_build_array(id, rev, created_rev, convert_from(content, 'UTF8'),
        case when dedup_key is not null then json_build_array(dedup_key >> 32, dedup_key & 4294967295) end, edited_at is not null, deleted_at is not null) as row
      from messages where conversation_id = $1 order by seq`,
    ),
    members: await of(
      `select json_build_array(user_id, role, joined_seq, joined_rev, left_seq, rev, delivered_seq, read_seq) as row
      from conversation_members where conversation_id = $1 order by user_id`,
    ),
    ranges: await of(
      `select json_build_array(user_id, kind, from_seq, to_seq) as row
      from delivery_statuses where conversation_id = $1 order by user_id, kind, from_seq`,
    ),
  };
}

function storedInModel(model: ModelStore, id: string): Awaited<ReturnType<typeof storedIn>> {
  const log = model.logs.get(id)!;
  const holders = new Map([...log.keys.values()].map((use) => [use.seq, use.deviceTag]));
  const key = (range: (typeof log.ranges)[number]) =>
    [range.userId, range.kind, String(range.fromSeq).padStart(9)].join();
  return {
    head: [[log.messages.length, log.rev, log.membersRev]],
    messages: log.messages.map((message) => [
      message.id,
      message.rev,
      message.createdRev,
      message.content,
      holders.has(message.seq) ? [holders.get(message.seq), message.clientRandom] : null,
      message.editedAtUs !== null,
      message.deletedAtUs !== null,
    ]),
    members: [...log.members.values()]
      .toSorted((one, other) => (one.userId < other.userId ? -1 : 1))
      .map((member) => [
        member.userId,
        member.role,
        member.joinedSeq,
        member.joinedRev,
        member.leftSeq,
        member.rev,
        member.deliveredSeq,
        member.readSeq,
      ]),
    ranges: log.ranges
      .toSorted((one, other) => (key(one) < key(other) ? -1 : 1))
      .map((range) => [range.userId, range.kind, range.fromSeq, range.toSeq]),
  };
}

/** Whatever a viewer or the node reads of these groups is the same, from wherever on. */
async function expectSameReads({ ids, people, model }: Groups): Promise<void> {
  const { reads } = writer;
  const ports = modelPorts(model);
  const stores = [
    { viewer: new PostgresViewerReads({ reads }), sync: new PostgresSyncReads({ reads }) },
    { viewer: ports.viewerReads, sync: ports.syncReads },
  ];
  const same = async (read: (store: (typeof stores)[number]) => Promise<unknown>) => {
    const [real, modelled] = await Promise.all(stores.map(read));
    expect(modelled).toEqual(real);
  };
  for (const viewerId of [...people, null]) {
    const since = [0, 1, 7, 20].map((sinceRev) => ({ sinceRev, generation: null, sinceSeq: null, limit: 5 }));
    for (const conversationId of ids) {
      const requests = since.map((each) => ({ conversationId, viewerId, ...each }));
      await same(async ({ sync }) => (await sync.changes(requests)).map(inOrderOfUsers));
      if (viewerId === null) continue;
      const whole = { viewerId, conversationId, before: null, after: null, limit: 30 };
      await same(({ viewer }) => viewer.readHistory({ type: "read_history", ...whole }));
      await same(({ viewer }) => viewer.showConversation(viewerId, conversationId));
      await same(({ viewer }) => viewer.listMembers({ type: "list_members", viewerId, conversationId }));
    }
    if (viewerId === null) continue;
    await same(({ viewer }) =>
      viewer.listConversations({ type: "list_conversations", viewerId, limit: 50, offset: 0 }),
    );
  }
}

function inOrderOfUsers(changes: Changes): Changes {
  return { ...changes, members: byUser(changes.members), marks: byUser(changes.marks) };
}

test.each([1, 2, 3, 4, 5, 6])(
  "the model stores what PostgreSQL stores, and answers the same (seed %d)",
  async (seed) => {
    const groups = new Groups(new Random(seed));
    await groups.make(4);
    const epochOf = await writer.epochs();
    const epochs = new Map(groups.ids.map((id) => [shardOf(id), epochOf(shardOf(id))]));
    for (const [shard, epoch] of epochs) groups.model.epochs[shard] = epoch;
    const seen: Record<string, number> = {};
    for (let round = 0; round < 25; round++) {
      const batch = groups.aBatch();
      const real = await writer.commit.append(batch, epochOf);
      expect(inOrder(appendTo(groups.model, batch, epochs))).toEqual(inOrder(real));
      seen[real.type] = (seen[real.type] ?? 0) + 1;
    }
    expect(seen).toEqual({ stored: 25 });
    expect(groups.model.misuses).toEqual([]);
    for (const id of groups.ids) expect(await storedIn(id)).toEqual(storedInModel(groups.model, id));
    await expectSameReads(groups);
  },
  180_000,
);
