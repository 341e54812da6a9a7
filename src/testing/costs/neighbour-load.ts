import { FrameSocket } from "../clients/frame-socket.ts";

/** What one client of `neighbour-cost.ts` does, in a thread of its own: what it costs itself is not measured with the others. */
export type NeighbourLoad =
  | {
      readonly type: "storm" | "turns";
      readonly url: string;
      readonly token: string;
      readonly userId: string;
    }
  | { readonly type: "lists"; readonly url: string; readonly token: string };

/** 1,000 joins and leaves of the user's topic at once. */
async function storm(socket: FrameSocket, topic: string): Promise<void> {
  for (let pair = 0; pair < 1_000; pair++) {
    void socket.join(topic, `${pair}`);
    void socket.push(topic, `${pair}`, "phx_leave", "{}");
  }
  await socket.join(topic, "last");
}

/** The same one after the other, as fast as they are answered. */
async function turns(socket: FrameSocket, topic: string): Promise<void> {
  for (let pair = 0; pair < 1_000; pair++) {
    await socket.join(topic, `${pair}`);
    await socket.push(topic, `${pair}`, "phx_leave", "{}");
  }
}

/** 40 lists at a time, for ten seconds. Tells how many were answered and how many refused. */
async function lists(url: string, token: string): Promise<string> {
  const statuses = new Map<number, number>();
  const untilMs = performance.now() + 10_000;
  const one = async () => {
    while (performance.now() < untilMs) {
      const answer = await fetch(`${url}/api/v1/conversations?limit=100`, {
        headers: { authorization: `Bearer ${token}` },
      });
      await answer.arrayBuffer();
      statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
    }
  };
  await Promise.all(Array.from({ length: 40 }, one));
  return JSON.stringify(Object.fromEntries(statuses));
}

async function run(load: NeighbourLoad): Promise<string> {
  if (load.type === "lists") return lists(load.url, load.token);
  const socket = await FrameSocket.open(load);
  const topic = `user:${load.userId}`;
  const beganMs = performance.now();
  await (load.type === "storm" ? storm : turns)(socket, topic);
  socket.close();
  return `${Math.round(performance.now() - beganMs)} ms`;
}

declare const self: Worker;
self.onmessage = async ({ data }: MessageEvent<NeighbourLoad>) => self.postMessage(await run(data));
