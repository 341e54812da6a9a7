import { expect, test } from "bun:test";
import pg from "pg";
import { testDatabase } from "./database.ts";

test("each test gets an empty database of its own, which is gone when the test closes it", async () => {
  const [one, other] = await Promise.all([testDatabase(), testDatabase()]);
  expect(one.url).not.toBe(other.url);
  expect(await ask(one.url, "SELECT count(*)::int AS n FROM pg_tables WHERE schemaname = 'public'")).toEqual([
    { n: 0 },
  ]);
  expect(await ask(other.url, "SHOW fsync")).toEqual([{ fsync: "on" }]);
  await Promise.all([one.close(), other.close()]);
  await expect(ask(one.url, "SELECT 1")).rejects.toThrow("does not exist");
}, 180_000);

async function ask(url: string, text: string): Promise<unknown[]> {
  const client = new pg.Client(url);
  try {
    await client.connect();
    return (await client.query(text)).rows;
  } finally {
    await client.end();
  }
}
