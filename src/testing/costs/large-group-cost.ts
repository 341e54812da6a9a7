import { spawn } from "node:child_process";
import { newId } from "../../system.ts";
import { People } from "../clients/people.ts";
import { startInProcess } from "../processes/in-process.ts";

/**
 * What it costs to add many members at once to a group whose members are all connected: the longest turn of the event loop, and the frames.
 * By hand: `bun src/testing/costs/large-group-cost.ts`. The server is in this process, the sockets in another.
 */

const connected = 600;
const added = 400;

async function measure(): Promise<void> {
  await using server = await startInProcess();
  const people = new People(server);
  const members = await people.many(connected);
  const owner = members[0]!;
  const body = { type: "group", name: "many", user_ids: members.map(({ id }) => id) };
  const { body: created } = await owner.rest.call("POST", "/conversations", body);
  const conversationId = (created as { data: { id: string } }).data.id;
  const tokens = await Promise.all(
    members.map(async ({ id }) => [id, await server.token(id, { deviceId: "phone" })]),
  );
  const sockets = await Sockets.start({ url: server.url, conversationId, tokens });
  for (const [what, count] of [
    ["one", 1],
    ["many", added - 1],
  ] as const) {
    const before = await sockets.counted();
    const watch = new Turns();
    const startMs = performance.now();
    const user_ids = Array.from({ length: count }, () => newId());
    await owner.rest.call("POST", `/conversations/${conversationId}/members`, { user_ids });
    const answeredMs = performance.now() - startMs;
    await sockets.quiet();
    const after = await sockets.counted();
    const frames = after.frames - before.frames;
    const megabytes = (after.bytes - before.bytes) / 1e6;
    console.log(
      `${what}: ${count} added beside ${connected} connected: longest turn ${watch.end().toFixed(0)} ms, answered after ` +
        `${answeredMs.toFixed(0)} ms, ${frames} frames, ${megabytes.toFixed(1)} MB`,
    );
  }
  sockets.end();
}

/** The longest time between two turns of this event loop. */
class Turns {
  #longestMs = 0;
  #lastMs = performance.now();
  #ended = false;

  constructor() {
    const tick = () => {
      this.#note();
      if (!this.#ended) setImmediate(tick);
    };
    setImmediate(tick);
  }

  #note(): void {
    const nowMs = performance.now();
    this.#longestMs = Math.max(this.#longestMs, nowMs - this.#lastMs);
    this.#lastMs = nowMs;
  }

  end(): number {
    this.#ended = true;
    this.#note();
    return this.#longestMs;
  }
}

interface Counted {
  readonly frames: number;
  readonly bytes: number;
}

interface Crowd {
  readonly url: string;
  readonly conversationId: string;
  readonly tokens: readonly (readonly string[])[];
}

/** The sockets of the other process. */
class Sockets {
  readonly #child = spawn(process.execPath, [import.meta.path, "sockets"], {
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });

  static async start(crowd: Crowd): Promise<Sockets> {
    const sockets = new Sockets();
    await sockets.#ask(crowd);
    await sockets.quiet();
    return sockets;
  }

  counted(): Promise<Counted> {
    return this.#ask("count");
  }

  /** Nothing has come for half a second. */
  async quiet(): Promise<void> {
    for (let before = -1; ; ) {
      const { frames } = await this.counted();
      if (frames === before) return;
      before = frames;
      await Bun.sleep(500);
    }
  }

  end(): void {
    this.#child.kill();
  }

  #ask(question: unknown): Promise<Counted> {
    return new Promise((resolve) => {
      this.#child.once("message", (answer) => resolve(answer as Counted));
      this.#child.send(question as object);
    });
  }
}

function beSockets(): void {
  let frames = 0;
  let bytes = 0;
  const open = (url: string, topics: readonly string[]) =>
    new Promise<void>((resolve, reject) => {
      const socket = new WebSocket(url);
      let joined = 0;
      socket.onerror = () => reject(new Error("a socket failed"));
      socket.onopen = () => {
        for (const [ref, topic] of topics.entries())
          socket.send(JSON.stringify([String(ref), String(ref), topic, "phx_join", {}]));
      };
      socket.onmessage = ({ data }) => {
        frames += 1;
        bytes += String(data).length;
        if (joined < topics.length && String(data).includes('"phx_reply"') && ++joined === topics.length)
          resolve();
      };
    });
  process.on("message", async (question: Crowd | "count") => {
    if (question !== "count") {
      const { url, conversationId, tokens } = question;
      for (const [id, token] of tokens) {
        const address = `${url.replace("http", "ws")}/socket/websocket?vsn=2.0.0&token=${token}`;
        await open(address, [`user:${id}`, `conversation:${conversationId}`]);
      }
    }
    process.send!({ frames, bytes });
  });
}

if (process.argv[2] === "sockets") beSockets();
else await measure();
