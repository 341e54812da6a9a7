import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { operations } from "../operations/list.ts";
import { setReceipt } from "../operations/receipts/set-receipt.ts";
import { leaveTopic, topicOperations } from "../operations/topics/topic-operations.ts";
import { newId } from "../system.ts";
import { type Answer, Cast, type Part, type Place } from "../testing/authorization/cast.ts";
import {
  forAnybody,
  type Row,
  reacting,
  reactingAlone,
  rows,
  sending,
} from "../testing/authorization/rows.ts";
import { noClaims, topic, type Way } from "../testing/authorization/ways.ts";
import { type InProcess, startInProcess } from "../testing/processes/in-process.ts";

/**
 * Who may do what, seen from outside: every operation × everybody who may be to a conversation, over each way that it has. What is seen is
 * the tables of docs/authorization.md, to the letter. An operation without a row here fails.
 */

let server: InProcess;
let cast: Cast;

beforeAll(async () => {
  server = await startInProcess();
  cast = await Cast.gather(server);
}, 120_000);
afterAll(async () => {
  cast.end();
  await server[Symbol.asyncDispose]();
});

const parts = ["owner", "admin", "moderator", "member", "former", "stranger", "blocker", "blocked"] as const;
const inPlace: Readonly<Record<Row["where"], readonly Part[]>> = {
  group: ["owner", "admin", "moderator", "member", "former", "stranger"],
  direct: ["owner", "member", "stranger", "blocker", "blocked"],
};

/** Of whom nothing may be learned. */
const outsiders = ["former", "stranger", "blocked"] as const;

const ofTheServer = ["apply_blocks", "return_to_direct"] as const;

/** The words of the tables. To whom a conversation is unknown, it looks like one that does not exist. */
const words: Readonly<Record<string, string>> = {
  ok: "yes",
  forbidden: "no",
  conflict: "no",
  not_found: "unknown",
  not_authorized: "unknown",
  "unmatched topic": "unknown",
};

function wordFor({ code }: Answer): string {
  return words[code] ?? code;
}

function allWays({ ways, lone }: Row): readonly Way[] {
  return [...ways, ...lone];
}

/** Outsiders change nothing, and share the places that they are refused at. A mark that was just stored is asked for while it rests. */
function placeFor(row: Row, part: Part): Promise<Place> {
  const isOutside = outsiders.some((outsider) => outsider === part);
  if (!isOutside || row.operations.includes(setReceipt.name)) return newPlaceFor(row, part);
  const key = `${part} ${row.where} ${row.hasMedia}`;
  const place = shared.get(key) ?? newPlaceFor(row, part);
  shared.set(key, place);
  return place;
}

const shared = new Map<string, Promise<Place>>();

function newPlaceFor({ where, settings, hasMedia }: Row, part: Part): Promise<Place> {
  return where === "group" ? cast.group(part, { settings, hasMedia }) : cast.direct(part);
}

/** Each way asks at a place of its own, and all must agree. */
async function cellOf(row: Row, part: Part): Promise<string> {
  const seen = new Set<string>();
  for (const way of allWays(row)) {
    seen.add(wordFor(await way(cast.actor(part), await placeFor(row, part), noClaims)));
  }
  return [...seen].join(" or ");
}

function lineOf(cells: readonly string[]): string {
  return `| ${cells.join(" | ")} |`;
}

const page = readFileSync(join(import.meta.dir, "../../docs/authorization.md"), "utf8");

/** The lines of the table below this heading of the page. */
function documented(heading: string): readonly string[] {
  const [, section = ""] = new RegExp(`^## ${heading}$(.*?)^## `, "ms").exec(page) ?? [];
  return section.match(/^\|.*\|$/gm) ?? [];
}

describe("I8: who may do what", () => {
  test.each([
    ["group", "In a group"],
    ["direct", "In a direct conversation"],
  ] as const)(
    "in a %s: is the table of docs/authorization.md",
    async (where, heading) => {
      const columns = inPlace[where];
      const lines = [lineOf(["to", "operation", ...columns]), `|${"---|".repeat(columns.length + 2)}`];
      for (const row of rows.filter((each) => each.where === where)) {
        const cells = await Promise.all(columns.map((part) => cellOf(row, part)));
        lines.push(lineOf([row.what, row.operations.map((name) => `\`${name}\``).join(", "), ...cells]));
      }
      expect(lines).toEqual([...documented(heading)]);
    },
    300_000,
  );

  test("has a row for each operation that there is", () => {
    const covered = new Set([
      ...rows.flatMap((row) => row.operations),
      ...forAnybody.map(({ operation }) => operation),
      // Of a topic that was joined.
      leaveTopic.name,
    ]);
    expect([...covered].sort()).toEqual([...operations, ...topicOperations].map(({ name }) => name).sort());
  });

  test("what the server does itself nobody can ask for", async () => {
    const at = await cast.group("owner");
    for (const operation of ofTheServer) {
      const { code } = await cast.actor("owner").push(`conversation:${at.id}`, operation, {});
      expect(code).toBe("unknown_event");
    }
  });

  test("what is about no conversation yet, or about one's own, is everybody's, strangers' too", async () => {
    for (const { way } of forAnybody) {
      for (const part of parts) {
        expect(wordFor(await way(cast.actor(part), cast.nowhere(part), noClaims))).toBe("yes");
      }
    }
  });

  test("the topic of a user is his alone", async () => {
    for (const part of parts) {
      const { code } = await topic(({ other }) => `user:${other}`)(
        cast.actor(part),
        cast.nowhere(part),
        noClaims,
      );
      expect(code).toBe("unauthorized");
    }
  });

  test("who is no member finds none of it in his list", async () => {
    for (const [where, make] of [
      ["group", () => cast.group("owner")],
      ["direct", () => cast.direct("blocker")],
    ] as const) {
      const { id } = await make();
      const [inside, outside] =
        where === "group"
          ? ([
              ["owner", "member"],
              ["former", "stranger"],
            ] as const)
          : ([["blocker"], ["blocked", "stranger"]] as const);
      for (const part of [...inside, ...outside]) {
        const { text } = await cast.actor(part).rest("GET", "/conversations?limit=100");
        expect([part, text.includes(id)]).toEqual([part, inside.some((each) => each === part)]);
      }
    }
  });
});

describe("an id in capitals is the same id", () => {
  const inCapitals = (at: Place) =>
    Object.fromEntries(Object.entries(at).map(([name, id]) => [name, id.toUpperCase()])) as unknown as Place;

  /** Both are refused or answered alike, and no answer repeats an id as it was spelled. */
  async function ask(row: Row, part: Part, way: Way): Promise<void> {
    const [at, other] = [await newPlaceFor(row, part), await newPlaceFor(row, part)];
    const capitals = await way(cast.actor(part), inCapitals(at), noClaims);
    const lower = await way(cast.actor(part), other, noClaims);
    expect([part, capitals.code]).toEqual([part, lower.code]);
    for (const id of Object.values(inCapitals(at))) expect(capitals.text).not.toContain(id);
  }

  test.each(rows.filter(({ where }) => where === "group").map((row) => [row.what, row] as const))(
    "%s",
    async (_, row) => {
      const askers = ["owner", "member", "stranger"] as const;
      await Promise.all(askers.flatMap((part) => allWays(row).map((way) => ask(row, part, way))));
    },
    120_000,
  );

  test("of the topic of a user", async () => {
    const member = cast.actor("member");
    const { code, text } = await member.join(`user:${member.id.toUpperCase()}`);
    expect([code, text.includes(`"user_id":"${member.id}"`)]).toEqual(["ok", true]);
    await member.join(`user:${member.id}`);
  });

  test("and every other form of a UUID is unknown", async () => {
    const { id } = await cast.group("owner");
    for (const form of [`urn:uuid:${id}`, `{${id}}`, id.replaceAll("-", "")]) {
      expect((await cast.actor("owner").join(`conversation:${form}`)).code).toBe("not_authorized");
      expect((await cast.actor("owner").rest("GET", `/conversations/${form}`)).code).toBe("not_found");
    }
  });
});

describe("I8: outsiders cannot tell what exists from what does not", () => {
  /** With the ids of the question taken out. */
  const blank = ({ text }: Answer, at: Place) =>
    Object.values(at).reduce((rest: string, id: string) => rest.replaceAll(id, "<id>"), text);

  test.each(rows.map((row) => [row.what, row.where, row] as const))(
    "%s, in a %s",
    async (_, __, row) => {
      for (const part of outsiders) {
        if (!inPlace[row.where].includes(part)) continue;
        const actor = cast.actor(part);
        for (const way of row.ways) {
          const [there, nowhere] = [await placeFor(row, part), cast.nowhere(part)];
          const answers = [await way(actor, there, noClaims), await way(actor, nowhere, noClaims)] as const;
          expect(blank(answers[0], there)).toBe(blank(answers[1], nowhere));
        }
      }
    },
    120_000,
  );
});

describe("I8: a member gains nothing", () => {
  const member = () => cast.actor("member");

  test.each(rows.map((row) => [row.what, row.where, row] as const))(
    "by claiming to be the owner: %s, in a %s",
    async (_, __, row) => {
      for (const way of row.ways) {
        const owner = cast.actor("owner").id;
        const claims = { fields: { sender_id: owner, user_id: owner }, headers: { "x-user-id": owner } };
        const honest = wordFor(await way(member(), await placeFor(row, "member"), noClaims));
        const forged = wordFor(await way(member(), await placeFor(row, "member"), claims));
        // Where a payload has no such field it is refused as a whole.
        if (forged !== "invalid_payload") expect(forged).toBe(honest);
      }
    },
    120_000,
  );

  test.each(rows.map((row) => [row.what, row.where, row] as const))(
    "by a field that nobody knows: %s, in a %s",
    async (_, __, row) => {
      const fields = { tempId: "x", is_admin: true, sent_at: 1, rev: {}, url: [1] };
      for (const way of row.ways) {
        const plain = await way(member(), await placeFor(row, "member"), noClaims);
        const more = await way(member(), await placeFor(row, "member"), { ...noClaims, fields });
        expect(more.code).toBe(plain.code);
      }
    },
    120_000,
  );

  test("who sends under another's name has sent it himself", async () => {
    for (const way of sending) {
      const at = await cast.group("member");
      const fields = { sender_id: at.owner, user_id: at.owner };
      const { text } = await way(member(), at, { fields, headers: { "x-user-id": at.owner } });
      expect(text).toContain(`"sender_id":"${member().id}"`);
    }
  });

  test("who reacts under another's name has reacted himself", async () => {
    for (const way of [...reacting, reactingAlone]) {
      const at = await cast.group("member");
      const claims = { fields: { user_id: at.owner }, headers: { "x-user-id": at.owner } };
      expect((await way(member(), at, claims)).text).toContain(`"user_id":"${member().id}"`);
    }
  });

  const aboutMessages = rows.filter(({ unknownMessage, where }) => unknownMessage && where === "group");

  test.each(aboutMessages.map((row) => [row.what, row] as const))(
    "by naming a message of another conversation, or of none: %s",
    async (_, row) => {
      for (const way of row.ways) {
        const [here, elsewhere] = [await cast.group("member"), await cast.group("member")];
        const unknown = { ...here, own: newId(), theirs: newId() };
        const mixed = { ...here, own: elsewhere.own, theirs: elsewhere.theirs };
        const answers = [await way(member(), mixed, noClaims), await way(member(), unknown, noClaims)];
        expect(answers.map(({ code }) => code)).toEqual([row.unknownMessage!, row.unknownMessage!]);
        expect(answers[0]).toEqual(answers[1]!);
        const { text } = await cast.actor("owner").rest("GET", `/conversations/${elsewhere.id}/messages`);
        expect(text).not.toContain("better");
        expect(text).not.toContain('"is_deleted":true');
      }
    },
    120_000,
  );
});
