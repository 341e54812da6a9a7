import { expect, test } from "bun:test";
import { tokenRoute } from "./token-route.ts";

const ada = "0192a7c0-0000-7000-8000-00000000000a";
const here = "127.0.0.1:4000";
const good = { user_id: ada, device_id: "tab" };
const routes = tokenRoute({
  users: [{ id: ada, name: "Ada" }],
  ttlMs: 60_000,
  sign: ({ userId, deviceId }) => Promise.resolve(`${userId} on ${deviceId}`),
});

async function ask(headers: Readonly<Record<string, string>>, body: string): Promise<Response> {
  const request = new Request(`http://${here}/playground/token`, { method: "POST", headers, body });
  return routes.get("POST /playground/token")!(request);
}

test("a token is for a page that came from here: no other origin, and no name that was made to point here", async () => {
  const statusOf = async (host: string, origin: string) =>
    (await ask({ host, origin }, JSON.stringify(good))).status;
  for (const host of [here, "[::1]:4000", "localhost:4000", "app.localhost:4000"])
    expect(await statusOf(host, `http://${host}`)).toBe(200);
  for (const origin of ["null", "", "http://127.0.0.1:4001", "https://evil.test", `http://${here}.evil.test`])
    expect(await statusOf(here, origin)).toBe(403);
  for (const host of ["evil.test:4000", "127.0.0.1.evil.test:4000", "evillocalhost:4000"])
    expect(await statusOf(host, `http://${host}`)).toBe(403);
});

test("a body that says that it is too large is not read", async () => {
  const own = { host: here, origin: `http://${here}` };
  const long = JSON.stringify(good) + " ".repeat(1_000);
  expect((await ask({ ...own, "content-length": String(long.length) }, long)).status).toBe(413);
  expect((await ask(own, long)).status).toBe(413);
});
