import { afterAll, afterEach, beforeAll, describe, expect, mock, spyOn, test } from "bun:test";
import { PostgresCommit } from "../store/append/append.ts";
import { ReadPool } from "../store/connections/database.ts";
import { newId } from "../system.ts";
import { type Answer, Cast, type Part, type Place } from "../testing/authorization/cast.ts";
import { type Row, rows } from "../testing/authorization/rows.ts";
import { noClaims, type Way } from "../testing/authorization/ways.ts";
import { type InProcess, startInProcess } from "../testing/processes/in-process.ts";

/**
 * S8: the clock tells an outsider nothing either. Whatever they ask for, over each way that it has, is answered on the same path whether it
 * exists or not: by the same statements, in the same order. Their times are compared coarsely, against waits like that for the next flush.
 */

/** Statements since they were last taken, by name. */
const statements: string[] = [];
/** Whose marks count: others' are flushed meanwhile. */
let askerId = "";

/** All statements go through one of these two. */
function watch(): void {
  const query = ReadPool.prototype.query;
  spyOn(ReadPool.prototype, "query").mockImplementation(function (this: ReadPool, config) {
    statements.push(config.name ?? config.text);
    return query.call(this, config) as never;
  });
  const append = PostgresCommit.prototype.append;
  spyOn(PostgresCommit.prototype, "append").mockImplementation(function (
    this: PostgresCommit,
    batch,
    epochOf,
  ) {
    if (batch.changes.length > 0 || batch.marks.some(({ userId }) => userId === askerId))
      statements.push("append");
    return append.call(this, batch, epochOf);
  });
}

beforeAll(watch);
/** A spy keeps everything that was returned: files that run after this one in the same process would fill the memory. */
afterAll(() => {
  mock.restore();
});

const rounds = 5;
/** A machine under load is slow now and then; what this is about was a second. Milliseconds. */
const slackMs = 150;

interface Seen {
  readonly code: string;
  readonly path: readonly string[];
  readonly tookMs: number;
}

async function seenOf(ask: () => Promise<Answer>): Promise<Seen> {
  statements.length = 0;
  const startedMs = performance.now();
  const { code } = await ask();
  return { code, path: [...statements], tookMs: performance.now() - startedMs };
}

/** The most frequent code and path: a mark from before may be flushed beside one of them. */
function usual(seen: readonly Seen[]): string {
  const counts = new Map<string, number>();
  for (const { code, path } of seen) {
    const name = [code, ...path].join(", ");
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return [...counts].sort(([, one], [, other]) => other - one)[0]![0];
}

function medianOf(times: readonly number[]): number {
  return times.toSorted((one, other) => one - other)[Math.floor(times.length / 2)]!;
}

/** One socket joins a topic again at each push, so the paths are those of a join and of the push. */
async function compare(actor: Parameters<Way>[0], way: Way, there: Place, nowhere: Place): Promise<void> {
  askerId = actor.id;
  const seen: Seen[] = [];
  const missed: Seen[] = [];
  for (let round = 0; round < rounds; round++) {
    seen.push(await seenOf(() => way(actor, there, noClaims)));
    missed.push(await seenOf(() => way(actor, nowhere, noClaims)));
  }
  expect(usual(seen)).toBe(usual(missed));
  const [thereMs, nowhereMs] = [seen, missed].map((each) => medianOf(each.map(({ tookMs }) => tookMs)));
  expect(Math.abs(thereMs! - nowhereMs!)).toBeLessThan(slackMs);
}

const maxActors = 20;

const outsiders: Readonly<Record<Row["where"], readonly Part[]>> = {
  group: ["stranger", "former"],
  direct: ["stranger", "blocked"],
};

describe.each([
  ["conversations that are in memory", {}],
  ["conversations that are not", { WHISPR_MAX_ACTORS: String(maxActors) }],
])("outsiders and %s", (_, variables) => {
  let server: InProcess;
  let cast: Cast;
  const places = new Map<string, Place>();

  beforeAll(async () => {
    server = await startInProcess(variables);
    cast = await Cast.gather(server);
    // As much as there is: with media, and many who have written.
    for (const part of outsiders.group)
      places.set(`group ${part}`, await cast.group(part, { hasMedia: true }));
    for (const part of outsiders.direct) places.set(`direct ${part}`, await cast.direct(part));
    // What strangers ask for brings nothing into memory.
    if ("WHISPR_MAX_ACTORS" in variables) await pushOut();
  }, 120_000);
  afterAll(async () => {
    cast.end();
    await server[Symbol.asyncDispose]();
  });
  afterEach(() => {
    statements.length = 0;
  });

  /** Others are used, until those that were used before are not in memory any more. */
  async function pushOut(): Promise<void> {
    const owner = cast.actor("owner");
    for (let each = 0; each < maxActors; each++) {
      const body = { type: "direct", other_user_id: newId() };
      const { text } = await owner.rest("POST", "/conversations", body);
      const [, id] = /"id":"([^"]+)"/.exec(text)!;
      await owner.rest("POST", `/conversations/${id}/messages`, { content: "hello" });
    }
  }

  test.each(rows.map((row) => [row.what, row.where, row] as const))(
    "cannot tell by the clock whether there is something: %s, in a %s",
    async (_what, where, row) => {
      for (const part of outsiders[where]) {
        const there = places.get(`${where} ${part}`)!;
        for (const way of [...row.ways, ...(row.lone ?? [])])
          await compare(cast.actor(part), way, there, cast.nowhere(part));
      }
    },
    60_000,
  );
});
