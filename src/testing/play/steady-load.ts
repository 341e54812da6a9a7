import { expect } from "bun:test";
import type { MessageSent } from "../../core/messages/message.ts";
import type { Outcome } from "../../core/outcome.ts";
import { brokenLogs, type MigratedDatabase, type Node, type Talk } from "../model/engine-on-postgres.ts";

export function sentOf({ events: [event] }: Outcome & { readonly type: "done" }): MessageSent {
  if (event?.type !== "message_sent") throw new Error("not a message");
  return event;
}

/** Sends without pause in every conversation until told to stop; remembers what was acknowledged, in order. */
export function sendSteadily(conversations: readonly Talk[], from: () => Node) {
  const acknowledged = new Map<string, { id: string; seq: number }[]>();
  const refused: Outcome[] = [];
  let isOver = false;
  let key = 0;
  const one = async ({ id, anna }: Talk) => {
    const acks: { id: string; seq: number }[] = [];
    acknowledged.set(id, acks);
    while (!isOver) {
      const clientRandom = key++;
      let outcome: Outcome;
      do {
        outcome = await from().send({
          conversationId: id,
          senderId: anna,
          clientRandom,
          content: `${clientRandom}`,
        });
        if (outcome.type === "rejection") refused.push(outcome);
      } while (outcome.type === "rejection" && !isOver);
      if (outcome.type === "done") acks.push(sentOf(outcome));
      if (outcome.type === "duplicate") acks.push(outcome.message);
    }
  };
  const running = Promise.all(conversations.map(one));
  return {
    acknowledged,
    refused,
    count: () => [...acknowledged.values()].reduce((sum, acks) => sum + acks.length, 0),
    async stop() {
      isOver = true;
      await running;
    },
  };
}

/** I1, I2, I3: everything acknowledged is stored once under its seq, and no log has a gap or a double. */
export async function expectNothingLost(
  database: MigratedDatabase,
  acknowledged: ReadonlyMap<string, readonly { id: string; seq: number }[]>,
) {
  for (const [conversationId, acks] of acknowledged) {
    const rows = await database.sql<{ id: string; seq: string }>(
      "select id, seq from messages where conversation_id = $1 order by seq",
      [conversationId],
    );
    const stored = new Map(rows.map((row) => [row.id, Number(row.seq)]));
    expect(acks.filter(({ id, seq }) => stored.get(id) !== seq)).toEqual([]);
  }
  expect(await database.sql(brokenLogs)).toEqual([]);
  const twice = await database.sql(
    "select 1 from messages group by conversation_id, sender_id, client_random having count(*) > 1 and client_random is not null",
  );
  expect(twice).toEqual([]);
}
