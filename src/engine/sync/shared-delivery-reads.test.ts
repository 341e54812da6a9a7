import { expect, test } from "bun:test";
import { newId } from "../../system.ts";
import { membersNamed } from "../../testing/builders/builders.ts";
import { VirtualClock } from "../../testing/clock.ts";
import { loadFrom } from "../../testing/model/actor-reads.ts";
import { changesOf } from "../../testing/model/changes.ts";
import { ModelStore } from "../../testing/model/model-store.ts";
import { SharedDeliveryReads } from "./shared-delivery-reads.ts";

test("I10: gaps in a thousand conversations are read one read at a time, a few conversations each, and one that cannot be read keeps no other from being read", async () => {
  const model = new ModelStore({ loadedKeys: 4 });
  const ids = Array.from({ length: 1_000 }, () => {
    const id = newId();
    model.create(id, membersNamed([newId(), newId()]));
    return id;
  });
  const guilty = ids[77]!;
  let [underWay, most, reads] = [0, 0, 0];
  const counted = async <T>(asked: readonly string[], read: () => T): Promise<T> => {
    most = Math.max(most, ++underWay);
    reads++;
    await Promise.resolve();
    underWay--;
    if (asked.includes(guilty)) throw new Error("cannot be read");
    return read();
  };
  const shared = new SharedDeliveryReads({
    reads: {
      changes: (questions) =>
        counted(
          questions.map(({ conversationId }) => conversationId),
          () => questions.map((question) => changesOf(model, question)),
        ),
      heads: async () => new Map(),
    },
    actorReads: { loadConversations: (asked) => counted(asked, () => loadFrom(model, asked)) },
    clock: new VirtualClock(),
  });
  const present = await Promise.allSettled(ids.map((id) => shared.members(id)));
  expect(present.filter(({ status }) => status === "rejected")).toHaveLength(1);
  expect(reads).toBeLessThan(1_000 / 50 + 15);
  const question = { viewerId: null, sinceRev: 0, sinceSeq: null, generation: null, limit: 500 };
  const changes = await Promise.allSettled(
    ids.map((conversationId) => shared.changes([{ ...question, conversationId }])),
  );
  expect(changes.filter(({ status }) => status === "rejected")).toHaveLength(1);
  // What the guilty one shared a read with is looked for beside the others.
  expect(most).toBeLessThanOrEqual(2);
});
