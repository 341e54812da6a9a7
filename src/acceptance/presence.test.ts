import { expect, test } from "bun:test";
import { Presence, Socket } from "phoenix";
import { newId } from "../system.ts";
import { testKeys } from "../testing/builders/tokens.ts";
import { RestClient } from "../testing/clients/rest-client.ts";
import { eventually } from "../testing/eventually.ts";
import { testDatabase } from "../testing/processes/database.ts";
import { outsideClient } from "../testing/processes/outside.ts";
import { freePort, startServer } from "../testing/processes/server.ts";

/** Typing, presence and when somebody was there last, over the whole server and a stop of it. */

test("two stock clients see each other come and type, and who was there when the server stopped is known after it", async () => {
  const [keys, database, port] = await Promise.all([testKeys(), testDatabase(), freePort()]);
  const environment = {
    DATABASE_URL: database.url,
    WHISPR_AUTO_MIGRATE: "1",
    JWT_PUBLIC_KEYS_FILE: keys.jwksFile,
  };
  const start = () => startServer({ arguments: ["serve"], environment, port });
  let running = await start();
  try {
    const [ann, ben] = [newId(), newId()];
    const restOf = async (userId: string) =>
      new RestClient({ url: running.url, token: await keys.token(userId) });
    const rest = await restOf(ann);
    const id = await rest.createDirect(ben);
    // Who has written in it shows in it.
    const written = await restOf(ben);
    await written.call("POST", `/conversations/${id}/messages`, { content: "hello" });
    const clients = await Promise.all(
      [ann, ben].map(async (userId) => clientOf(running.url, await keys.token(userId), id)),
    );
    const [ofAnn, ofBen] = clients as [Client, Client];
    await eventually("both to see both", () => clients.every(({ online }) => online().length === 2));
    ofBen.channel.push("user_typing", { typing: true });
    await eventually("it to be told and to end by itself", () => ofAnn.typing.length === 2);
    expect(ofAnn.typing).toEqual([true, false]);
    expect(ofBen.typing).toEqual([]);
    ofBen.socket.disconnect();
    await eventually("him to be gone", () => ofAnn.online().length === 1);

    const stoppedAt = Date.now();
    expect((await running.end("SIGTERM")).code).toBe(0);
    ofAnn.socket.disconnect();
    running = await start();
    const { body } = await (await restOf(ben)).call("GET", `/conversations/${id}/members`);
    const { data } = body as { data: { user_id: string; is_online: boolean; last_seen_at: string }[] };
    const seen = new Map(data.map(({ user_id, last_seen_at }) => [user_id, Date.parse(last_seen_at)]));
    expect(data.map(({ is_online }) => is_online)).toEqual([false, false]);
    expect(seen.get(ann)!).toBeGreaterThanOrEqual(stoppedAt - 1_000);
    expect(seen.get(ben)!).toBeLessThan(seen.get(ann)!);
    const outside = await outsideClient(database.url);
    const { rows } = await outside.query("select count(*)::int as count from user_last_seen");
    await outside.end();
    expect(rows).toEqual([{ count: 2 }]);
  } finally {
    await running.end("SIGTERM");
    await database.close();
    keys.dispose();
  }
}, 180_000);

type Client = ReturnType<typeof clientOf>;

function clientOf(url: string, token: string, conversationId: string) {
  const socket = new Socket(`${url.replace("http", "ws")}/socket`, {
    params: { token },
    transport: WebSocket as never,
  });
  const channel = socket.channel(`conversation:${conversationId}`, {});
  const presence = new Presence(channel);
  const typing: boolean[] = [];
  channel.on("user_typing", (payload) => void typing.push(payload.typing));
  socket.connect();
  channel.join();
  return { socket, channel, typing, online: () => presence.list((key) => key) };
}
