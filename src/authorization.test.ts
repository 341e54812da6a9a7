import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { authorize } from "./core/authorize.ts";
import { newId } from "./system.ts";
import { type Actor, type Answer, Cast, type Part, type Place } from "./testing/authorization-place.ts";
import { type InProcess, startInProcess } from "./testing/in-process.ts";

/**
 * Who may do what, seen from outside: every operation × everybody who may be to a conversation, over each way that it has. What is seen is
 * the table of README.md ("Who may do what"), to the letter. An operation without a row here fails.
 */

let server: InProcess;
let cast: Cast;

beforeAll(async () => {
  server = await startInProcess();
  cast = await Cast.gather(server);
}, 30_000);
afterAll(async () => {
  cast.end();
  await server[Symbol.asyncDispose]();
});

const parts = ["owner", "admin", "moderator", "member", "former", "stranger"] as const;
const ofDirect = new Set<Part>(["owner", "member", "stranger"]);

/** Of whom nothing may be learned. */
const outsiders = ["former", "stranger"] as const;

/** One way to ask for an operation. `claims` are fields and headers in which the actor says to be somebody else. */
type Way = (actor: Actor, at: Place, claims: Claims) => Promise<Answer>;

interface Claims {
  readonly fields: Readonly<Record<string, unknown>>;
  readonly headers: Readonly<Record<string, string>>;
}
const noClaims: Claims = { fields: {}, headers: {} };

interface Row {
  /** As in `core/authorize.ts`. */
  readonly operation: keyof typeof authorize | "typing";
  /** As a product owner calls it. */
  readonly what: string;
  readonly where: "group" | "direct";
  /** Of the group: what it lets whom do. */
  readonly settings?: Readonly<Record<string, string>>;
  readonly ways: readonly Way[];
  /** Ways that name a message alone, and no conversation. */
  readonly lone?: readonly Way[];
  /** Its messages refer to media. */
  readonly hasMedia?: true;
  /** It names a message, `theirs` or `own`: how it is refused when that is none of this conversation. */
  readonly unknownMessage?: string;
}

type PathOf = (at: Place) => string;
type BodyOf = (at: Place) => object;

function rest(method: string, pathOf: PathOf, bodyOf?: BodyOf): Way {
  return (actor, at, { fields, headers }) =>
    actor.rest(method, pathOf(at), bodyOf && { ...fields, ...bodyOf(at) }, headers);
}

/** On the conversation's topic. */
function channel(event: string, payloadOf: BodyOf): Way {
  return (actor, at, { fields }) =>
    actor.push(`conversation:${at.id}`, event, { ...fields, ...payloadOf(at) });
}

/** On the actor's own topic. */
function ownChannel(event: string, payloadOf: BodyOf): Way {
  return (actor, at, { fields }) =>
    actor.push(`user:${actor.id}`, event, { ...fields, conversation_id: at.id, ...payloadOf(at) });
}

function topic(topicOf: PathOf): Way {
  return (actor, at) => actor.join(topicOf(at));
}

const conversation =
  (rest = ""): PathOf =>
  ({ id }) =>
    `/conversations/${id}${rest}`;
const message =
  (about: "own" | "theirs", rest = ""): PathOf =>
  (at) =>
    `/messages/${at[about]}${rest}?conversation_id=${at.id}`;
const naming =
  (about: "own" | "theirs", more: object = {}): BodyOf =>
  (at) => ({ message_id: at[about], ...more });
const always =
  (body: object): BodyOf =>
  () =>
    body;

const sending: readonly Way[] = [
  rest("POST", conversation("/messages"), always({ content: "hello" })),
  rest(
    "POST",
    () => "/messages",
    ({ id }) => ({ conversation_id: id, content: "hello" }),
  ),
  channel("new_message", always({ content: "hello" })),
  channel("send_message", always({ content: "hello" })),
];
const reading: readonly Way[] = [rest("GET", conversation("/messages"))];

const editing = (about: "own" | "theirs"): readonly Way[] => [
  rest("PUT", message(about), always({ content: "better" })),
  channel("edit_message", naming(about, { content: "better" })),
];

const deleting = (about: "own" | "theirs"): readonly Way[] => [
  rest("DELETE", message(about)),
  channel("delete_message", naming(about)),
];

const removing = (who: "owner" | "admin" | "other"): readonly Way[] => [
  rest("DELETE", (at) => `/conversations/${at.id}/members/${at[who]}`),
];

const adding: readonly Way[] = [
  rest("POST", conversation("/members"), ({ newcomer }) => ({ user_id: newcomer })),
  rest("POST", conversation("/members"), ({ newcomer }) => ({ user_ids: [newcomer] })),
];

const marking: readonly Way[] = [
  rest("PATCH", message("theirs", "/receipt"), always({ status: "read" })),
  channel("message_read", naming("theirs")),
  channel("message_delivered", naming("theirs")),
  channel("mark_read", naming("theirs")),
  ownChannel("message_read", naming("theirs")),
  ownChannel("message_delivered", naming("theirs")),
];

const giving = (who: "other" | "admin", role: string): readonly Way[] => [
  rest("PATCH", (at) => `/conversations/${at.id}/members/${at[who]}/role`, always({ role })),
];

const renaming: readonly Way[] = [
  rest("PUT", conversation(), always({ name: "climbers" })),
  channel("update_conversation", always({ name: "climbers" })),
];

const answering: readonly Way[] = [
  rest("POST", conversation("/messages"), ({ theirs }) => ({ content: "hello", reply_to_id: theirs })),
  channel("new_message", ({ theirs }) => ({ content: "hello", reply_to_id: theirs })),
];

const reaction = always({ reaction: "👍" });
const reacting: readonly Way[] = [
  rest("POST", message("theirs", "/reactions"), reaction),
  channel("add_reaction", naming("theirs", { reaction: "👍" })),
];
const reactingAlone = rest("POST", ({ theirs }) => `/messages/${theirs}/reactions`, reaction);

/** After the actor has reacted, as far as he could. */
function afterReacting(way: Way): Way {
  return async (actor, at, claims) => {
    await reacting[0]!(actor, at, noClaims);
    return way(actor, at, claims);
  };
}

const takingBack: readonly Way[] = [
  afterReacting(rest("DELETE", message("theirs", "/reactions/👍"))),
  afterReacting(channel("remove_reaction", naming("theirs", { reaction: "👍" }))),
];

const media = always({ media_id: "another", media_type: "image" });
const attaching = (about: "own" | "theirs") =>
  ({
    ways: [rest("POST", message(about, "/attachments"), media)],
    lone: [rest("POST", (at) => `/messages/${at[about]}/attachments`, media)],
    hasMedia: true,
    unknownMessage: "not_found",
  }) as const;

const typing: readonly Way[] = [
  channel("user_typing", always({ typing: true })),
  channel("typing_start", always({})),
  channel("typing_stop", always({})),
];

const rows: readonly Row[] = [
  {
    operation: "join_conversation",
    what: "listen to it",
    where: "group",
    ways: [topic(({ id }) => `conversation:${id}`)],
  },
  {
    operation: "show_conversation",
    what: "see it",
    where: "group",
    ways: [rest("GET", conversation())],
  },
  {
    operation: "list_members",
    what: "see its members",
    where: "group",
    ways: [rest("GET", conversation("/members"))],
  },
  { operation: "read_history", what: "read its messages", where: "group", ways: reading },
  {
    operation: "read_changes",
    what: "read what changed",
    where: "group",
    ways: [rest("GET", conversation("/changes"))],
  },
  { operation: "send_message", what: "send a message", where: "group", ways: sending },
  {
    operation: "edit_message",
    what: "edit one's own message",
    where: "group",
    ways: editing("own"),
    unknownMessage: "not_found",
  },
  {
    operation: "edit_message",
    what: "edit another's message",
    where: "group",
    ways: editing("theirs"),
    unknownMessage: "not_found",
  },
  {
    operation: "delete_message",
    what: "delete one's own message",
    where: "group",
    ways: deleting("own"),
    unknownMessage: "not_found",
  },
  {
    operation: "delete_message",
    what: "delete another's message",
    where: "group",
    ways: deleting("theirs"),
    unknownMessage: "not_found",
  },
  {
    operation: "send_message",
    what: "answer a message",
    where: "group",
    ways: answering,
    unknownMessage: "invalid_payload",
  },
  {
    operation: "attach_media",
    what: "attach media to one's own message",
    where: "group",
    ...attaching("own"),
  },
  {
    operation: "attach_media",
    what: "attach media to another's message",
    where: "group",
    ...attaching("theirs"),
  },
  {
    operation: "show_message",
    what: "see a message's media and reactions",
    where: "group",
    ways: [],
    lone: [
      rest("GET", ({ theirs }) => `/messages/${theirs}/reactions`),
      rest("GET", ({ theirs }) => `/messages/${theirs}/attachments`),
    ],
  },
  {
    operation: "add_reaction",
    what: "react to a message",
    where: "group",
    ways: reacting,
    lone: [reactingAlone],
    unknownMessage: "not_found",
  },
  {
    operation: "remove_reaction",
    what: "take one's reaction back",
    where: "group",
    ways: takingBack,
    lone: [afterReacting(rest("DELETE", ({ theirs }) => `/messages/${theirs}/reactions/👍`))],
    unknownMessage: "not_found",
  },
  { operation: "typing", what: "be seen typing", where: "group", ways: typing },
  {
    operation: "mark",
    what: "mark as received or read",
    where: "group",
    ways: marking,
    unknownMessage: "not_found",
  },
  {
    operation: "mark",
    what: "mark all of it as read",
    where: "group",
    ways: [channel("mark_read", always({})), ownChannel("mark_conversation_read", always({}))],
  },
  {
    operation: "mark_unread",
    what: "mark as unread, for oneself",
    where: "group",
    ways: [rest("POST", message("theirs", "/unread")), channel("mark_unread", naming("theirs"))],
    unknownMessage: "not_found",
  },
  {
    operation: "send_message",
    what: "send, where moderators may",
    where: "group",
    settings: { message_permission: "moderators_plus" },
    ways: sending,
  },
  {
    operation: "send_message",
    what: "send, where admins may",
    where: "group",
    settings: { message_permission: "admins_only" },
    ways: sending,
  },
  { operation: "add_members", what: "add a member", where: "group", ways: adding },
  {
    operation: "add_members",
    what: "add a member, where all may",
    where: "group",
    settings: { add_members_permission: "all_members" },
    ways: adding,
  },
  { operation: "remove_member", what: "remove a member", where: "group", ways: removing("other") },
  { operation: "remove_member", what: "remove an admin", where: "group", ways: removing("admin") },
  { operation: "remove_member", what: "remove the owner", where: "group", ways: removing("owner") },
  {
    operation: "change_role",
    what: "make a member a moderator",
    where: "group",
    ways: giving("other", "moderator"),
  },
  {
    operation: "change_role",
    what: "make a member an admin",
    where: "group",
    ways: giving("other", "admin"),
  },
  {
    operation: "change_role",
    what: "make an admin a member",
    where: "group",
    ways: giving("admin", "member"),
  },
  {
    operation: "update_conversation",
    what: "rename it, change its settings",
    where: "group",
    ways: renaming,
  },
  {
    operation: "leave_conversation",
    what: "leave it",
    where: "group",
    ways: [rest("POST", conversation("/leave"))],
  },
  { operation: "read_history", what: "read its messages", where: "direct", ways: reading },
  { operation: "send_message", what: "send a message", where: "direct", ways: sending },
  {
    operation: "delete_message",
    what: "delete another's message",
    where: "direct",
    ways: deleting("theirs"),
    unknownMessage: "not_found",
  },
  {
    operation: "update_conversation",
    what: "rename it, change its settings",
    where: "direct",
    ways: renaming,
  },
  { operation: "add_members", what: "add a member", where: "direct", ways: adding },
  {
    operation: "leave_conversation",
    what: "leave it",
    where: "direct",
    ways: [rest("POST", conversation("/leave"))],
  },
];

/** What is about no conversation: everybody may, for himself. */
const forAnybody: readonly (Pick<Row, "operation"> & { readonly way: Way })[] = [
  {
    operation: "create_direct",
    way: rest(
      "POST",
      () => "/conversations",
      ({ newcomer }) => ({ type: "direct", other_user_id: newcomer }),
    ),
  },
  {
    operation: "create_group",
    way: rest(
      "POST",
      () => "/conversations",
      ({ newcomer }) => ({ type: "group", name: "x", user_ids: [newcomer] }),
    ),
  },
  { operation: "list_conversations", way: rest("GET", () => "/conversations") },
  {
    operation: "join_user",
    way: async (actor) => topic(() => `user:${actor.id}`)(actor, cast.nowhere("stranger"), noClaims),
  },
];

/** The words of the table. To whom a conversation is unknown, it looks like one that does not exist. */
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

function allWays({ ways, lone = [] }: Row): readonly Way[] {
  return [...ways, ...lone];
}

function placeFor({ where, settings, hasMedia }: Row, part: Part): Promise<Place> {
  return where === "group" ? cast.group(part, { settings, hasMedia }) : cast.direct(part);
}

/** Each way asks at a place of its own, and all must agree. */
async function cellOf(row: Row, part: Part): Promise<string> {
  if (row.where === "direct" && !ofDirect.has(part)) return "";
  const seen = new Set<string>();
  for (const way of allWays(row)) {
    seen.add(wordFor(await way(cast.actor(part), await placeFor(row, part), noClaims)));
  }
  return [...seen].join(" or ");
}

function lineOf(cells: readonly string[]): string {
  return `| ${cells.join(" | ")} |`;
}

const readme = readFileSync(join(import.meta.dir, "../README.md"), "utf8");
const [, section = ""] = /^## Who may do what$(.*?)^## /ms.exec(readme) ?? [];
const documented = section.match(/^\|.*\|$/gm) ?? [];

describe("I8: who may do what", () => {
  test("is the table of README.md", async () => {
    const lines = [lineOf(["", "in a", ...parts]), `|${"---|".repeat(parts.length + 2)}`];
    for (const row of rows) {
      const cells = await Promise.all(parts.map((part) => cellOf(row, part)));
      lines.push(lineOf([row.what, row.where, ...cells]));
    }
    expect(lines).toEqual([...documented]);
  }, 120_000);

  test("has a row for each operation that there is", () => {
    const covered = new Set<string>([...rows, ...forAnybody].map(({ operation }) => operation));
    // Passed on and not kept: no command, but it needs a member as well.
    expect([...covered].sort()).toEqual([...Object.keys(authorize), "typing"].sort());
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
    const { id } = await cast.group("stranger");
    for (const part of parts) {
      const { text } = await cast.actor(part).rest("GET", "/conversations?limit=100");
      expect([part, text.includes(id)]).toEqual([part, !outsiders.some((each) => each === part)]);
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
        if (row.where === "direct" && !ofDirect.has(part)) continue;
        const actor = cast.actor(part);
        for (const way of row.ways) {
          const [there, nowhere] = [await placeFor(row, part), cast.nowhere(part)];
          const answers = [await way(actor, there, noClaims), await way(actor, nowhere, noClaims)] as const;
          expect(blank(answers[0], there)).toBe(blank(answers[1], nowhere));
        }
      }
    },
    30_000,
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
    30_000,
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
    30_000,
  );
});
