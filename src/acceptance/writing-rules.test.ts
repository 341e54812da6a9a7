import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type pg from "pg";
import { permissionNames } from "../core/conversations/permissions.ts";
import { operations } from "../operations/list.ts";
import { topicOperations } from "../operations/topics/topic-operations.ts";
import { changeBlock } from "../store/change-block.ts";
import { newId, systemClock } from "../system.ts";
import { Actor, type Answer, Cast, type Part, type Place } from "../testing/authorization/cast.ts";
import { noClaims } from "../testing/authorization/ways.ts";
import {
  type WritingRow,
  withoutRule,
  writesNothing,
  writingRows,
} from "../testing/authorization/writing.ts";
import { type InProcess, startInProcess } from "../testing/processes/in-process.ts";
import { outsidePool } from "../testing/processes/outside.ts";

/**
 * What writes, asked for under every setting of a group and on both sides of a block. The rows are those of the table "Who may do what"; an
 * operation that writes has a rule in `testing/authorization/writing.ts`, or fails here.
 */

let server: InProcess;
let cast: Cast;
let database: pg.Pool;

beforeAll(async () => {
  server = await startInProcess();
  cast = await Cast.gather(server);
  database = outsidePool(server.databaseUrl, 2);
}, 120_000);
afterAll(async () => {
  cast.end();
  await database.end();
  await server[Symbol.asyncDispose]();
});

const words: Readonly<Record<string, string>> = {
  ok: "yes",
  forbidden: "no",
  conflict: "no",
  not_found: "unknown",
  not_authorized: "unknown",
  "unmatched topic": "unknown",
};
const wordFor = ({ code }: Answer) => words[code] ?? code;

/** Where a conversation is and who is in it. Marks of those who wrote may still be on their way. */
async function stateOf(id: string): Promise<string> {
  const { rows } = await database.query(
    `select (select row_to_json(h) from conversation_heads h where conversation_id = $1) as head,
      (select json_agg(array[user_id::text, role, left_seq::text] order by user_id)
        from conversation_members m where conversation_id = $1) as members`,
    [id],
  );
  return JSON.stringify(rows);
}

test("every operation that writes has a rule about settings and blocks", () => {
  expect(withoutRule).toEqual([]);
  const ruled = new Set<string>([...writesNothing, ...writingRows.flatMap((row) => row.operations)]);
  expect([...ruled].sort()).toEqual([...operations, ...topicOperations].map(({ name }) => name).sort());
});

const named = writingRows.map((row) => [row.what, row] as const);

describe("I8: a setting of a group decides about what it names and about nothing else", () => {
  async function seenBy(part: Part, row: WritingRow, settings: object): Promise<string> {
    const seen = new Set<string>();
    for (const way of row.ways) {
      const at = await cast.group(part, {
        settings: { ...row.settings, ...settings },
        hasMedia: row.hasMedia,
      });
      const before = await stateOf(at.id);
      const word = wordFor(await way(cast.actor(part), at, noClaims));
      if (word !== "yes" && !row.operations.includes("remove_reaction"))
        expect(await stateOf(at.id)).toBe(before);
      seen.add(word);
    }
    return [...seen].join(" or ");
  }

  test.each(named)(
    "%s",
    async (_, row) => {
      const usual = await seenBy("member", row, {});
      const others = permissionNames.filter((name) => !row.rule.settings.includes(name));
      const elsewhere = Object.fromEntries(others.map((name) => [name, "admins_only"]));
      expect(await seenBy("member", row, elsewhere)).toBe(usual);
      for (const name of row.rule.settings) {
        expect([name, await seenBy("member", row, { [name]: "moderators_plus" })]).toEqual([name, "no"]);
        if (usual === "yes")
          expect([name, await seenBy("moderator", row, { [name]: "moderators_plus" })]).toEqual([
            name,
            "yes",
          ]);
        expect([name, await seenBy("moderator", row, { [name]: "admins_only" })]).toEqual([name, "no"]);
      }
    },
    180_000,
  );
});

describe("I8: a block stands before everything that writes", () => {
  /** Two who wrote to each other before the one blocked the other; what is about a group's people names nobody who is there. */
  async function blockedPair({
    hasMedia,
  }: WritingRow): Promise<{ blocker: Actor; blocked: Actor; id: string }> {
    const [blocker, blocked] = [await Actor.enter(server), await Actor.enter(server)];
    const made = await blocker.rest("POST", "/conversations", { type: "direct", other_user_id: blocked.id });
    const id = idIn(made);
    await Promise.all([write(blocker, id, hasMedia), write(blocked, id, hasMedia)]);
    return { blocker, blocked, id };
  }

  const own = new Map<string, string>();
  async function write(actor: Actor, id: string, hasMedia = false): Promise<void> {
    const media = { message_type: "media", attachments: [{ media_id: "one", media_type: "image" }] };
    const body = { content: "before", ...(hasMedia ? media : {}) };
    own.set(actor.id, idIn(await actor.rest("POST", `/conversations/${id}/messages`, body)));
  }

  const placeOf = (id: string, actor: Actor, other: Actor): Place => ({
    id,
    own: own.get(actor.id)!,
    theirs: own.get(other.id)!,
    owner: other.id,
    admin: other.id,
    other: other.id,
    newcomer: newId(),
  });

  test.each(named)(
    "%s",
    async (_, row) => {
      for (const way of row.ways) {
        const { blocker, blocked, id } = await blockedPair(row);
        const change = { blockerId: blocker.id, blockedId: blocked.id, isBlocked: true };
        const followed = changeBlock(server.databaseUrl, { ...change, atUs: systemClock.nowUs() }, 60_000);
        expect(await followed).toBe("applied");
        const before = await stateOf(id);
        expect(wordFor(await way(blocked, placeOf(id, blocked, blocker), noClaims))).toBe("unknown");
        expect(await stateOf(id)).toBe(before);
        const answer = wordFor(await way(blocker, placeOf(id, blocker, blocked), noClaims));
        expect(answer).toBe(row.rule.blocker);
        if (answer !== "yes") expect(await stateOf(id)).toBe(before);
        for (const actor of [blocker, blocked]) actor.leave();
      }
    },
    180_000,
  );
});

function idIn({ text }: Answer): string {
  return (JSON.parse(text.slice(4)) as { data: { id: string } }).data.id;
}
