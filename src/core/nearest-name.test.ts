import { expect, test } from "bun:test";
import { nearestName } from "./nearest-name.ts";

test("a misspelt or shortened name is recognised, and what is like none of them is not guessed", () => {
  const known = ["message_permission", "media_permission"];
  expect(nearestName("mesage_permission", known)).toBe("message_permission");
  expect(nearestName("mediaPermission", known)).toBe("media_permission");
  expect(nearestName("media", known)).toBe("media_permission");
  expect(nearestName("who_can_send", known)).toBeNull();
});
