import { expect, test } from "bun:test";
import fc from "fast-check";
import { CatchUp } from "./page/catch-up.ts";
import { Conversation } from "./page/conversation.ts";
import { curlOf, scriptOf } from "./page/copy-as.ts";
import { emojiGroups, findEmoji } from "./page/emoji.ts";
import { FrameTape, framesKept } from "./page/frame-tape.ts";
import { linked } from "./page/links.ts";
import { Marks } from "./page/marks.ts";
import { MessageLog } from "./page/message-log.ts";
import { hashOf, placeOf } from "./page/place.ts";
import { userIdOf } from "./page/user-id.ts";
import type { Message } from "./page/wire.ts";

/** What the page keeps, without the page. */

const ada = "a";
const ben = "b";

function message(seq: number, rev: number, content = `${seq}.${rev}`): Message {
  return {
    id: `m${seq}`,
    conversation_id: "c",
    seq,
    rev,
    sender_id: ada,
    message_type: "text",
    content,
    client_random: null,
    sent_at: "2026-01-01T00:00:00.000000Z",
    edited_at: null,
    is_deleted: false,
    reply_to_id: null,
  };
}

function conversation(head: { readonly seq: number; readonly rev: number }): Conversation {
  return new Conversation({
    id: "c",
    type: "group",
    metadata: {},
    is_active: true,
    created_at: "2026-01-01T00:00:00.000000Z",
    head_seq: head.seq,
    head_rev: head.rev,
    unread_count: 0,
    last_message: null,
    member_user_ids: [ada, ben],
  });
}

/** Every state that each of some messages had. */
const histories = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 8 }).map((edits) => {
  let rev = 0;
  return edits.flatMap((states, index) => Array.from({ length: states }, () => message(index + 1, ++rev)));
});

test("I5: whatever comes late, twice or in any order, the log ends as the server's", () => {
  const told = histories.chain((states) =>
    fc.tuple(
      fc.constant(states),
      fc.shuffledSubarray([...states, ...states], { minLength: states.length * 2 }),
    ),
  );
  fc.assert(
    fc.property(told, ([states, pushes]) => {
      const log = new MessageLog();
      log.addPage([message(1, 0)], false);
      for (const push of pushes) log.put(push);
      const newest = new Map(states.map((state) => [state.seq, state]));
      expect(log.messages).toEqual([...newest.values()]);
    }),
  );
});

test("before its first page a log keeps nothing, and afterwards nothing that lies before it", () => {
  const log = new MessageLog();
  log.put(message(9, 9));
  expect(log.messages).toEqual([]);
  log.addPage([message(8, 8), message(7, 7)], true);
  log.put(message(3, 10));
  log.put(message(9, 11));
  expect(log.messages.map(({ seq }) => seq)).toEqual([7, 8, 9]);
  log.trim(1);
  expect([log.firstSeq, log.hasEarlier]).toEqual([9, true]);
});

test("a reaction that is told on two topics counts once, and is gone when it is taken back", () => {
  const log = new MessageLog();
  log.addPage([message(1, 1)], false);
  const push = { conversation_id: "c", message_id: "m1", seq: 1, user_id: ben, reaction: "👍" };
  log.react({ ...push, rev: 2 }, true);
  log.react({ ...push, rev: 2 }, true);
  expect(log.at(1)).toMatchObject({ rev: 2, reaction_summary: { "👍": 1 } });
  log.react({ ...push, rev: 3 }, false);
  log.react({ ...push, rev: 2 }, true);
  expect(log.at(1)).toMatchObject({ rev: 3, reactions: [], reaction_summary: {} });
});

test("a rev that is not the next one is a hole, until the difference has filled it", () => {
  const known = conversation({ seq: 5, rev: 10 });
  known.hear(11);
  known.hear(11);
  expect([known.rev, known.hasHole]).toEqual([11, false]);
  known.hear(13);
  expect([known.rev, known.hasHole]).toEqual([11, true]);
  expect(known.putMessage(message(6, 13))).toBe(true);
  expect(known.putMessage(message(6, 13))).toBe(false);
  known.reach(13);
  expect([known.rev, known.seq, known.hasHole]).toEqual([13, 6, false]);
});

test("marks only grow, and a message is read when every other member has read it", () => {
  const marks = new Marks();
  marks.raise({ user_id: ada, delivered_seq: 5, read_seq: 3 });
  marks.raise({ user_id: ada, delivered_seq: 2, read_seq: 1 });
  expect(marks.of(ada)).toEqual({ delivered: 5, read: 3 });
  expect(marks.statusOf(3, [ada, ben])).toBe("sent");
  marks.raiseAll({ conversation_id: "c", seq: 4, user_id: ben, status: "delivered" }, [ada, ben]);
  expect(marks.statusOf(3, [ada, ben])).toBe("delivered");
  marks.raise({ user_id: ben, delivered_seq: 3, read_seq: 3 });
  expect([marks.statusOf(3, [ada, ben]), marks.statusOf(4, [ada, ben])]).toEqual(["read", "delivered"]);
});

test("what was caught up with is counted once, however often it is told, and told when the last topic is live", () => {
  const catchUp = new CatchUp();
  catchUp.message("c", 1);
  catchUp.begin(["user", "c"]);
  catchUp.message("c", 2);
  catchUp.change("c", 2);
  catchUp.change("c", 3);
  catchUp.own("c", 4);
  catchUp.change("c", 4);
  expect(catchUp.isLive("user")).toBeNull();
  expect(catchUp.isLive("c")).toMatchObject({ messages: 1, changes: 1 });
  expect(catchUp.isLive("c")).toBeNull();
});

test("of the frames the last five hundred are kept, and none while the tape is paused", () => {
  const tape = new FrameTape();
  for (let number = 1; number <= framesKept + 5; number++)
    tape.add("in", JSON.stringify([null, null, "user:a", `event ${number}`, {}]));
  tape.isPaused = true;
  tape.add("out", "[]");
  expect(tape.frames).toHaveLength(framesKept);
  expect(tape.frames.at(-1)).toMatchObject({ event: `event ${framesKept + 5}`, topic: "user:a" });
  tape.isPaused = false;
  tape.add("out", "not json");
  expect(tape.frames.at(-1)).toMatchObject({ frame: "not json", bytes: 8, event: "" });
});

/** Texts with everything that could be taken for an address, and for the end of one. */
const addressLike = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        "https://",
        "HTTP://",
        "mailto:",
        "www.",
        "javascript:",
        "data:",
        "//",
        "a@b.example",
        "example.org",
      ),
      fc.constantFrom(
        "/",
        ".",
        ",",
        ")",
        "(",
        "[",
        "]",
        "?",
        "#",
        ":",
        "@",
        " ",
        "\n",
        "'",
        '"',
        "<",
        ">",
        "\u202e",
        "\u200b",
      ),
      fc.string({ maxLength: 5, unit: "grapheme" }),
    ),
    { maxLength: 20 },
  )
  .map((parts) => parts.join(""));

test("I9: a text with links is the text, character for character, and leads to nothing but http, https and mail", () => {
  fc.assert(
    fc.property(addressLike, (text) => {
      const parts = linked(text);
      expect(parts.map((part) => (typeof part === "string" ? part : part.text)).join("")).toBe(text);
      for (const part of parts) if (typeof part !== "string") expect(part.href).toMatch(/^(https?:|mailto:)/);
    }),
    { numRuns: 500 },
  );
});

test("an address is what is meant: without the sentence around it, and none that hides where it leads", () => {
  const hrefs = (text: string) =>
    linked(text).flatMap((part) => (typeof part === "string" ? [] : [part.href]));
  expect(hrefs("(see https://a.example/b_(c), or https://a.example/d).")).toEqual([
    "https://a.example/b_(c)",
    "https://a.example/d",
  ]);
  expect(hrefs("mail me@a.example or mailto:you@a.example!")).toEqual([
    "mailto:me@a.example",
    "mailto:you@a.example",
  ]);
  expect(hrefs("javascript:alert(1) file:///etc/passwd ftp://a.example data:,x vbscript:x")).toEqual([]);
  expect(hrefs("https://bank.example@evil.example https:// www. mailto: a@b xhttps://a.example")).toEqual([]);
  expect(hrefs("https://a.example/\u202egro.live")).toEqual(["https://a.example/"]);
});

test("a text made to be slow to read is read at once", () => {
  const startedMs = performance.now();
  for (const evil of [")", "(", ".", "@", "a", "a.", "www.", "https://", "a@", "[]"])
    linked(`https://${evil.repeat(65_000 / evil.length)}`);
  expect(performance.now() - startedMs).toBeLessThan(5_000);
});

test("every place has an address that leads back to it, and whatever else stands there is the list", () => {
  const id = "0198c0de-0000-7000-8000-00000000a11c";
  for (const seq of [null, 7])
    for (const panel of [null, "details", "frames"] as const) {
      const place = { conversationId: id, seq, panel };
      expect(placeOf(hashOf(place))).toEqual(place);
    }
  for (const hash of ["", "#", "#/", "#/c/", "#/c//7", "#/x/y", "#/c/a/b/c/d"])
    expect(placeOf(hash).conversationId).toBeNull();
  expect(placeOf(`#/c/${id.toUpperCase()}`).conversationId).toBe(id);
});

test("the emoji are one character each, none twice in a theme, and found by the beginnings of their words", () => {
  const all = emojiGroups.flatMap(({ emoji }) => emoji.map((each) => each.emoji));
  const segmenter = new Intl.Segmenter("en", { granularity: "grapheme" });
  expect(all.filter((emoji) => [...segmenter.segment(emoji)].length !== 1 || /[a-z]/.test(emoji))).toEqual(
    [],
  );
  expect(all.length).toBeGreaterThan(250);
  for (const { emoji } of emojiGroups)
    expect(new Set(emoji.map((each) => each.emoji)).size).toBe(emoji.length);
  const found = (query: string) => findEmoji(query).flatMap(({ emoji }) => emoji.map((each) => each.emoji));
  expect(found("heart bro")).toEqual(["💔"]);
  expect(found("PENG")).toEqual(["🐧"]);
  expect([found("🦥"), found("🇪🇺"), found("no such thing")]).toEqual([["🦥"], ["🇪🇺"], []]);
  expect(found("").length).toBe(all.length);
});

test("a frame is copied as what does or reads the same, and what only the socket has is no line of curl", () => {
  const caller = { url: "http://a.example", token: "t", messageId: (_: string, seq: number) => `m${seq}` };
  const taped = (direction: "in" | "out", topic: string, event: string, payload: object) => {
    const tape = new FrameTape();
    tape.add(direction, JSON.stringify(["1", "2", topic, event, payload]));
    return tape.frames[0]!;
  };
  const curl = (...frame: Parameters<typeof taped>) => curlOf(taped(...frame), caller)?.split("'")[1] ?? null;
  const base = "http://a.example/api/v1";
  expect(curl("out", "conversation:c", "message_read", { seq: 4 })).toBe(
    `${base}/messages/m4/receipt?conversation_id=c`,
  );
  expect(curl("out", "conversation:c", "phx_join", { since_rev: 8 })).toBe(
    `${base}/conversations/c/changes?since=8`,
  );
  expect(curl("in", "user:u", "new_message", { message: { conversation_id: "c", seq: 3 } })).toBe(
    `${base}/conversations/c/messages?before=4&limit=1`,
  );
  expect(curl("in", "user:u", "conversation_updated", { conversation_id: "c" })).toBe(
    `${base}/conversations/c`,
  );
  expect(curl("in", "user:u", "conversation_members_updated", { conversation_id: "c" })).toBe(
    `${base}/conversations/c/members`,
  );
  expect(curl("out", "conversation:c", "user_typing", { typing: true })).toBeNull();
  expect(curl("out", "phoenix", "heartbeat", {})).toBeNull();
  const script = scriptOf(taped("out", "conversation:c", "user_typing", { typing: true }), caller);
  expect(script).toContain(`send("1", "2", "conversation:c", "user_typing", {"typing":true})`);
});

test("the user id of a subject is the server's: a UUID as it is, another text as UUIDv5 (RFC 9562 A.4), none without a namespace", async () => {
  const dns = "6ba7b810-9dad-11d1-80b4-00c04fd430c8";
  const id = "0198c0de-0000-7000-8000-00000000a11c";
  expect(await userIdOf(id.toUpperCase(), null)).toBe(id);
  expect(await userIdOf("www.example.com", dns)).toBe("2ed6657d-e927-568b-95e1-2665a8aea6a2");
  expect(await userIdOf("ünï|📱", dns)).toBe("30d15629-49b0-514f-9761-5dcfc60c3eef");
  expect(await userIdOf("www.example.com", null)).toBeNull();
});
