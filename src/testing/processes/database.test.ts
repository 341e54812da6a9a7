import { expect, test } from "bun:test";
import { testDatabase } from "./database.ts";
import { askOutside } from "./outside.ts";

test("each test gets an empty database of its own, which is gone when the test closes it", async () => {
  const [one, other] = await Promise.all([testDatabase(), testDatabase()]);
  expect(one.url).not.toBe(other.url);
  expect(
    await askOutside(one.url, "SELECT count(*)::int AS n FROM pg_tables WHERE schemaname = 'public'"),
  ).toEqual([{ n: 0 }]);
  expect(await askOutside(other.url, "SHOW fsync")).toEqual([{ fsync: "on" }]);
  await Promise.all([one.close(), other.close()]);
  await expect(askOutside(one.url, "SELECT 1")).rejects.toThrow("does not exist");
}, 180_000);
