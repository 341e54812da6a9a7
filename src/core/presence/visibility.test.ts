import { describe, expect, test } from "bun:test";
import { Blocked, isShown, Visibility } from "./visibility.ts";

test("members show when they have chosen to be in a conversation; by setting all but those who are asked", () => {
  const cases = [undefined, "added", "request"] as const;
  expect(cases.map((pending) => isShown({ pending }, "participants"))).toEqual([true, false, false]);
  expect(cases.map((pending) => isShown({ pending }, "members"))).toEqual([true, true, false]);
});

test("users see their own presence, and nobody else's across a block", () => {
  const visibility = new Visibility({ shownTo: "participants" });
  const ben = { userId: "ben", isApart: false };
  expect(visibility.maySee("anna", ben)).toBe(true);
  expect(visibility.maySee("anna", { ...ben, isApart: true })).toBe(false);
  expect(visibility.maySee("anna", { ...ben, pending: "added" })).toBe(false);
  expect(visibility.maySee("ben", { ...ben, pending: "added" })).toBe(true);
});

describe("blocks of users who are online", () => {
  test("count both ways, whoever of the two was read", () => {
    const blocked = new Blocked();
    blocked.learn("anna", ["ben", "cleo"], 0);
    expect([blocked.areApart("anna", "ben"), blocked.areApart("ben", "anna")]).toEqual([true, true]);
    expect(blocked.areApart("ben", "cleo")).toBe(false);
    blocked.learn("anna", ["cleo"], 0);
    expect([blocked.areApart("anna", "ben"), blocked.areApart("ben", "anna")]).toEqual([false, false]);
    expect([...blocked.of("cleo")]).toEqual(["anna"]);
  });

  test("a change counts more than a read that began before it, for a minute", () => {
    const blocked = new Blocked();
    blocked.changed({ lowId: "anna", highId: "ben", isApart: true }, 0);
    blocked.learn("ben", [], 59_000);
    expect(blocked.areApart("anna", "ben")).toBe(true);
    blocked.changed({ lowId: "anna", highId: "ben", isApart: false }, 59_500);
    blocked.learn("anna", ["ben"], 60_000);
    expect(blocked.areApart("anna", "ben")).toBe(false);
    blocked.learn("anna", ["ben"], 119_500);
    expect(blocked.areApart("anna", "ben")).toBe(true);
  });

  test("are forgotten of those who have joined the longest ago", () => {
    const blocked = new Blocked({ most: 6 });
    const joins = (user: number) => blocked.learn(`user ${user}`, [`other ${user}`], 0);
    for (const user of [0, 1, 2, 0, 3]) joins(user);
    const areApart = (user: number) => blocked.areApart(`user ${user}`, `other ${user}`);
    expect([0, 1, 2, 3].map(areApart)).toEqual([true, false, true, true]);
  });

  test("are remembered of a bounded number of users", () => {
    const blocked = new Blocked({ most: 4 });
    for (let each = 0; each < 100; each++) blocked.learn(`user ${each}`, [`other ${each}`], 0);
    expect([blocked.areApart("user 0", "other 0"), blocked.areApart("user 99", "other 99")]).toEqual([
      false,
      true,
    ]);
  });
});
