import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { newId } from "../system.ts";
import { FrameSocket } from "../testing/clients/frame-socket.ts";
import { RestClient } from "../testing/clients/rest-client.ts";
import { type InProcess, startInProcess } from "../testing/processes/in-process.ts";

/** I3 at both doors of a whole server: `client_random` counts for each device of a user on its own. */

let server: InProcess;
beforeAll(async () => {
  server = await startInProcess();
}, 120_000);
afterAll(async () => {
  expect(server.complaints).toEqual([]);
  await server[Symbol.asyncDispose]();
}, 120_000);

interface Answer {
  readonly content: string;
  readonly seq: number;
  readonly duplicate: boolean;
  readonly differs: boolean;
}

type Send = (content: string, clientRandom: number) => Promise<Answer>;

interface Told {
  readonly content: string;
  readonly seq: number;
}

/** A conversation of two, and its sender's devices; null: the token names none. */
async function aSender() {
  const [anna, ben] = [newId(), newId()];
  const rest = new RestClient({ url: server.url, token: await server.token(anna) });
  const conversationId = await rest.createDirect(ben);
  const tokenOf = (device: string | null) => server.token(anna, device === null ? {} : { deviceId: device });
  return {
    log: async () => (await rest.history(conversationId)).map(({ content }) => content),
    overRest: async (device: string | null): Promise<Send> => {
      const headers = { authorization: `Bearer ${await tokenOf(device)}` };
      return async (content, client_random) => {
        const response = await fetch(`${server.url}/api/v1/conversations/${conversationId}/messages`, {
          method: "POST",
          headers,
          body: JSON.stringify({ content, client_random }),
        });
        const { data, meta } = (await response.json()) as {
          data: Told;
          meta: { duplicate?: true; differs?: boolean };
        };
        expect(response.status).toBe(meta.duplicate ? 200 : 201);
        const { duplicate = false, differs = false } = meta;
        return { content: data.content, seq: data.seq, duplicate, differs };
      };
    },
    overChannel: async (device: string | null): Promise<Send> => {
      const socket = await FrameSocket.open({ url: server.url, token: await tokenOf(device) });
      const topic = `conversation:${conversationId}`;
      await socket.join(topic, "1");
      return async (content, client_random) => {
        const payload = JSON.stringify({ content, client_random });
        const { status, response } = await socket.push(topic, "1", "new_message", payload);
        expect(status).toBe("ok");
        const {
          message,
          duplicate = false,
          differs = false,
        } = response as unknown as {
          message: Told;
          duplicate?: boolean;
          differs?: boolean;
        };
        return { content: message.content, seq: message.seq, duplicate, differs };
      };
    },
  };
}

type Door = "overRest" | "overChannel";

describe.each<[Door, Door]>([
  ["overRest", "overRest"],
  ["overChannel", "overChannel"],
  ["overRest", "overChannel"],
])("two devices of a sender, %s and %s,", (phoneDoor, tabletDoor) => {
  test("use the same key: both messages are stored, and each device gets its own one again", async () => {
    const sender = await aSender();
    const phone = await sender[phoneDoor]("phone");
    const tablet = await sender[tabletDoor]("tablet");
    const unnamed = await sender[phoneDoor](null);
    const sends = [phone, tablet, unnamed];
    for (const [at, send] of sends.entries())
      expect(await send(`message ${at}`, 1)).toEqual({
        content: `message ${at}`,
        seq: at + 1,
        duplicate: false,
        differs: false,
      });
    for (const [at, send] of sends.entries()) {
      const first = { content: `message ${at}`, seq: at + 1, duplicate: true };
      expect(await send(`message ${at}`, 1)).toEqual({ ...first, differs: false });
      expect(await send("another", 1)).toEqual({ ...first, differs: true });
    }
    expect(await sender.log()).toEqual(["message 0", "message 1", "message 2"]);
  });

  test("post many times at once: each device's message is stored once", async () => {
    const sender = await aSender();
    const phone = await sender[phoneDoor]("phone");
    const tablet = await sender[tabletDoor]("tablet");
    const answers = await Promise.all(
      Array.from({ length: 24 }, (_, at) =>
        at % 2 === 0 ? phone("from phone", 7) : tablet("from tablet", 7),
      ),
    );
    expect(answers.filter(({ duplicate }) => !duplicate)).toHaveLength(2);
    answers.forEach(({ content }, at) => {
      expect(content).toBe(at % 2 === 0 ? "from phone" : "from tablet");
    });
    expect((await sender.log()).sort()).toEqual(["from phone", "from tablet"]);
  });
});

test("one device gets its message again at the other door, on another socket", async () => {
  const sender = await aSender();
  const [first, again] = [await sender.overRest("phone"), await sender.overChannel("phone")];
  await first("hello", 4_294_967_295);
  expect(await again("hello", 4_294_967_295)).toMatchObject({ seq: 1, duplicate: true, differs: false });
});
