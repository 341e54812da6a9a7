import { expect, test } from "bun:test";
import type { Clock } from "../core/ports/clock.ts";
import type { NewId } from "../core/ports/ids.ts";
import type { Online, Presence, PresenceDiff } from "../core/ports/presence.ts";
import { VirtualClock } from "../testing/clock.ts";

export type MakePresence = (options: { readonly clock: Clock; readonly newId: NewId }) => Presence;

/** Longer than any window, shorter than the grace of a reconnect. */
const windowMs = 400;
const graceMs = 2_000;

/** What presence holds to, wherever it is kept. */
export function presenceContract(make: MakePresence): void {
  function started() {
    const clock = new VirtualClock();
    let refs = 0;
    const presence = make({ clock, newId: () => `ref ${++refs}` });
    const diffs: PresenceDiff[] = [];
    const offline: (readonly [string, number])[] = [];
    const late = { is: false };
    presence.subscribe({
      listensTo: (conversationId) => conversationId !== "unheard",
      isLate: () => late.is,
      told: (diff) => void diffs.push(diff),
      wentOffline: (userId, atUs) => void offline.push([userId, atUs]),
    });
    const enter = (userId: string, ...conversationIds: string[]) => {
      presence.arrived(userId);
      presence.presentIn(userId, conversationIds);
    };
    /** What was told since it was asked last: joins and leaves of each conversation. */
    const told = async (waitMs = windowMs) => {
      await clock.runFor(waitMs);
      return diffs
        .splice(0)
        .map(({ conversationId, joins, leaves }) => [conversationId, joins.map(named), leaves.map(named)]);
    };
    return { clock, presence, diffs, offline, late, enter, told };
  }
  const named = ({ userId, status }: Online) => (status === "online" ? userId : `${userId} ${status}`);
  const shownIn = (presence: Presence, conversationId: string) =>
    presence.onlineIn(conversationId).map(named);

  test("who arrives is told once in his conversations, with all who came in the same moment", async () => {
    const { presence, enter, told } = started();
    enter("ann", "a", "b");
    enter("ben", "a");
    enter("cleo", "unheard");
    const shown = () => ["a", "b", "unheard"].map((conversationId) => shownIn(presence, conversationId));
    expect(shown()).toEqual([[], [], ["cleo"]]);
    expect([presence.isOnline("ann"), presence.size]).toEqual([true, 3]);
    expect(await told(0)).toEqual([]);
    expect(await told()).toEqual([
      ["a", ["ann", "ben"], []],
      ["b", ["ann"], []],
    ]);
    expect(shown()).toEqual([["ann", "ben"], ["ann"], ["cleo"]]);
    presence.presentIn("ann", ["a", "b"]);
    expect(await told(60_000)).toEqual([]);
  });

  test("he leaves with his last connection, two seconds later", async () => {
    const { clock, presence, offline, enter, told } = started();
    enter("ann", "a");
    enter("ann", "a");
    await told();
    presence.departed("ann");
    expect(await told(60_000)).toEqual([]);
    const atUs = clock.nowUs();
    presence.departed("ann");
    expect(await told(graceMs - 1)).toEqual([]);
    expect([shownIn(presence, "a"), presence.isOnline("ann")]).toEqual([["ann"], true]);
    expect(await told()).toEqual([["a", [], ["ann"]]]);
    expect([shownIn(presence, "a"), presence.isOnline("ann"), presence.size]).toEqual([[], false, 0]);
    expect(offline).toEqual([["ann", atUs]]);
  });

  test("a reconnect within two seconds is told to nobody; the time online goes on under its name", async () => {
    const { clock, presence, offline, enter, told } = started();
    enter("ann", "a");
    await told();
    const [before] = presence.onlineIn("a");
    for (let each = 0; each < 20; each++) {
      presence.departed("ann");
      await clock.runFor(graceMs - 1);
      enter("ann", "a");
    }
    expect(await told(60_000)).toEqual([]);
    expect(presence.onlineIn("a")).toEqual([before!]);
    expect(offline).toEqual([]);
  });

  test("who comes back after he was told to have left comes under another name", async () => {
    const { presence, diffs, enter, clock } = started();
    enter("ann", "a");
    presence.departed("ann");
    await clock.runFor(graceMs + windowMs);
    enter("ann", "a");
    await clock.runFor(windowMs);
    const shape = diffs.map(({ joins, leaves }) => [joins[0]?.ref, leaves[0]?.ref]);
    expect(shape).toEqual([
      ["ref 1", undefined],
      [undefined, "ref 1"],
      ["ref 2", undefined],
    ]);
  });

  test("nobody is in both halves of a diff: who comes back before it was told that he left comes with the next", async () => {
    const { presence, late, enter, told, clock } = started();
    enter("ann", "a");
    await told();
    late.is = true;
    presence.departed("ann");
    await clock.runFor(graceMs);
    enter("ann", "a");
    expect(await told(5_000)).toEqual([]);
    late.is = false;
    expect(await told(2 * windowMs)).toEqual([
      ["a", [], ["ann"]],
      ["a", ["ann"], []],
    ]);
  });

  test("who came and went while nothing was told is not told of", async () => {
    const { presence, late, enter, told } = started();
    late.is = true;
    enter("ann", "a");
    presence.departed("ann");
    await told(10_000);
    late.is = false;
    expect(await told()).toEqual([]);
    expect(shownIn(presence, "a")).toEqual([]);
  });

  test("a status is told as a join under the same name; offline is told as a leave, and nothing more of him", async () => {
    const { presence, diffs, offline, enter, told, clock } = started();
    enter("ann", "a");
    await told();
    presence.setStatus("ann", "busy");
    presence.setStatus("ann", "away");
    presence.setStatus("nobody", "away");
    await clock.runFor(windowMs);
    expect(diffs).toMatchObject([
      { joins: [{ userId: "ann", ref: "ref 1", status: "away", isRevised: true }], leaves: [] },
    ]);
    diffs.splice(0);
    presence.setStatus("ann", "offline");
    expect(await told()).toEqual([["a", [], ["ann away"]]]);
    expect([shownIn(presence, "a"), presence.isOnline("ann"), offline.length]).toEqual([[], false, 1]);
    enter("ann", "b");
    expect(await told()).toEqual([]);
    presence.setStatus("ann", "online");
    expect(await told()).toEqual([
      ["a", ["ann"], []],
      ["b", ["ann"], []],
    ]);
    presence.setStatus("ann", "offline");
    presence.departed("ann");
    presence.departed("ann");
    await told(10_000);
    expect([offline.length, presence.size]).toEqual([2, 0]);
  });

  test("I8: who is no member any more is told to have left, and then again to be where he is still", async () => {
    const { presence, enter, told } = started();
    enter("ann", "a", "b");
    enter("ben", "a");
    await told();
    presence.keepOnly("a", (userId) => userId === "ben");
    presence.keepOnly("unknown", () => false);
    expect(await told()).toEqual([
      ["a", [], ["ann"]],
      ["b", ["ann"], []],
    ]);
    expect([shownIn(presence, "a"), shownIn(presence, "b")]).toEqual([["ben"], ["ann"]]);
    presence.departed("ann");
    expect(await told(graceMs + windowMs)).toEqual([["b", [], ["ann"]]]);
  });

  test("while the loop is late nothing is told, and afterwards only what it came to", async () => {
    const { presence, late, enter, told } = started();
    enter("ann", "a");
    await told();
    late.is = true;
    for (let each = 0; each < 50; each++) {
      enter(`user ${each}`, "a");
      presence.setStatus("ann", each % 2 ? "away" : "busy");
      await told();
    }
    late.is = false;
    const [[conversationId, joins, leaves] = [], ...more] = await told();
    expect([conversationId, joins?.length, leaves, more]).toEqual(["a", 51, [], []]);
  });

  test("at its end all are offline, since they left or since then", async () => {
    const { clock, presence, offline, enter, told } = started();
    enter("ann", "a");
    enter("ben", "a");
    const leftUs = clock.nowUs();
    presence.departed("ann");
    await clock.runFor(1_000);
    presence.stop();
    expect(offline).toEqual([
      ["ann", leftUs],
      ["ben", clock.nowUs()],
    ]);
    presence.departed("ben");
    await told(10_000);
    expect([presence.size, offline.length]).toEqual([0, 2]);
  });
}
