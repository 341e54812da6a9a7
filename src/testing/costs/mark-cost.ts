import { afterAll, beforeAll, describe, expect, spyOn, test } from "bun:test";
import type pg from "pg";
import { MarkQueue } from "../../engine/receipts/mark-queue.ts";
import { FrameSocket } from "../clients/frame-socket.ts";
import { createGroup, People, type Person } from "../clients/people.ts";
import { eventually } from "../eventually.ts";
import { type InProcess, startInProcess } from "../processes/in-process.ts";
import { outsideClient } from "../processes/outside.ts";

/**
 * What receipts cost, measured and printed for bench/README.md: `bun test ./src/testing/costs/mark-cost.ts`. Takes half a
 * minute, and a machine that does nothing else.
 */

const members = 100;
const messagesPerSecond = 200;
const seconds = 10;
/** A row for each member and message would be the naive way. */
const mostRowsPerSecond = 0.02 * members * messagesPerSecond;

let server: InProcess;
let people: People;
let outside: pg.Client;

beforeAll(async () => {
  server = await startInProcess({ WHISPR_MAX_LOOP_LATENESS: "0" });
  people = new People(server);
  outside = await outsideClient(server.databaseUrl);
}, 30_000);
afterAll(async () => {
  await outside.end();
  await server[Symbol.asyncDispose]();
});

describe(`a group of ${members} at ${messagesPerSecond} messages a second`, () => {
  test.each([1, 4, 100])(
    "of %i senders: marks are at most a fiftieth of a row per member and message",
    async (senders) => {
      const noting = spyOn(MarkQueue.prototype, "note").mockImplementation(() => {});
      const without = await measured(senders, () => true);
      noting.mockRestore();
      const figures = await measured(senders, areDelivered);
      const markWal = figures.walKilobytesPerSecond - without.walKilobytesPerSecond;
      console.log(JSON.stringify({ senders, ...figures, markWalKilobytesPerSecond: markWal }));
      expect(figures.sent).toBe(messagesPerSecond * seconds);
      expect(figures.rowsPerSecond).toBeLessThanOrEqual(mostRowsPerSecond);
    },
    180_000,
  );
});

/** What a run of a new group costs, from the first message until every mark is where it has to be. */
async function measured(senders: number, isOver: (id: string, sent: number) => boolean | Promise<boolean>) {
  const all = await people.many(members);
  const id = await createGroup(all);
  const listeners = await Promise.all(all.map(listen));
  const writers = await Promise.all(all.slice(0, senders).map((person) => write(person, id)));
  await outside.query("checkpoint");
  const before = await costs();
  const sent = await sendFor(writers, id);
  const tookMs = performance.now() - before.atMs;
  await eventually(
    "everybody to hear everything",
    () => listeners.every(({ heard }) => heard() >= sent),
    30_000,
  );
  await eventually("every mark to be stored", () => isOver(id, sent), 15_000);
  await Bun.sleep(1_500);
  const figures = figuresOf(before, await costs(), sent);
  for (const { socket } of [...listeners, ...writers]) socket.close();
  return { sent, sentPerSecond: Math.round((1_000 * sent) / tookMs), ...figures };
}

/** A member on his own topic, who counts what he hears. */
async function listen(person: Person) {
  const token = await server.token(person.id, { deviceId: "phone" });
  const socket = new WebSocket(
    `${server.url.replace("http", "ws")}/socket/websocket?vsn=2.0.0&token=${token}`,
  );
  let heard = 0;
  let caughtUp = false;
  socket.onmessage = ({ data }) => {
    const start = String(data).slice(0, 120);
    if (start.includes('"new_message"')) heard++;
    else if (start.includes('"caught_up"')) caughtUp = true;
  };
  socket.onopen = () => socket.send(`["1","1","user:${person.id}","phx_join",{}]`);
  await eventually("a member to be live", () => caughtUp, 20_000);
  return { socket, heard: () => heard };
}

async function write(person: Person, conversationId: string) {
  const socket = await FrameSocket.open({ url: server.url, token: await server.token(person.id) });
  await socket.join(`conversation:${conversationId}`, "1");
  return { socket };
}

/** At an even pace, the senders taking turns. Resolves with how many were stored. */
async function sendFor(writers: readonly { readonly socket: FrameSocket }[], id: string): Promise<number> {
  const total = messagesPerSecond * seconds;
  const startMs = performance.now();
  const replies: Promise<{ readonly status: string }>[] = [];
  for (let count = 0; count < total; count++) {
    const aheadMs = startMs + (count * 1_000) / messagesPerSecond - performance.now();
    if (aheadMs > 0) await Bun.sleep(aheadMs);
    const { socket } = writers[count % writers.length]!;
    replies.push(socket.push(`conversation:${id}`, "1", "new_message", `{"content":"message ${count}"}`));
  }
  return (await Promise.all(replies)).filter(({ status }) => status === "ok").length;
}

async function areDelivered(id: string, seq: number): Promise<boolean> {
  const { rows } = await outside.query<{ behind: number }>(
    "select count(*)::int as behind from conversation_members where conversation_id = $1 and delivered_seq < $2 - 1",
    [id, seq],
  );
  return rows[0]!.behind === 0;
}

interface Costs {
  readonly atMs: number;
  readonly walBytes: number;
  readonly updates: number;
  readonly hot: number;
  readonly inserts: number;
}

async function costs(): Promise<Costs> {
  await outside.query("select pg_stat_force_next_flush()");
  const { rows } = await outside.query<Omit<Costs, "atMs">>(`
    select (pg_current_wal_insert_lsn() - '0/0')::float8 as "walBytes", m.n_tup_upd::int as updates, m.n_tup_hot_upd::int as hot, d.n_tup_ins::int as inserts
    from pg_stat_user_tables m, pg_stat_user_tables d where m.relname = 'conversation_members' and d.relname = 'delivery_statuses'`);
  return { atMs: performance.now(), ...rows[0]! };
}

function figuresOf(before: Costs, after: Costs, sent: number) {
  const updates = after.updates - before.updates;
  const inserts = after.inserts - before.inserts;
  const perSecond = (count: number) => Math.round(count / seconds);
  return {
    rowsPerSecond: perSecond(updates + inserts),
    updatesPerSecond: perSecond(updates),
    insertsPerSecond: perSecond(inserts),
    hotUpdates: `${Math.round((100 * (after.hot - before.hot)) / updates)} %`,
    shareOfNaive: `${((100 * (updates + inserts)) / (members * sent)).toFixed(2)} %`,
    walKilobytesPerSecond: perSecond((after.walBytes - before.walBytes) / 1_000),
  };
}
