import { connect, createServer, type Socket } from "node:net";
import { placeOf } from "./database-link.ts";

/** What ends the start of a connection: ReadyForQuery, idle. */
const ready = Buffer.from("Z\0\0\0\u0005I", "latin1");

/**
 * Stands before PostgreSQL like a pooler that has one session to give away: each connection starts on one of its own, and from then on speaks on
 * that of the first. Enough for clients that speak one after the other.
 */
export async function transactionPooler(
  databaseUrl: string,
): Promise<{ readonly url: string; readonly close: () => Promise<void> }> {
  const open = new Set<Socket>();
  let shared: Socket | null = null;
  let speaker: Socket | null = null;
  const server = createServer((near) => {
    const far = connect(placeOf(databaseUrl));
    let hasStarted = false;
    for (const socket of [near, far]) open.add(socket.on("error", () => {}));
    far.on("data", (chunk: Buffer) => {
      (far === shared ? speaker : near)?.write(chunk);
      if (hasStarted || !chunk.includes(ready)) return;
      hasStarted = true;
      shared ??= far;
    });
    near.on("data", (chunk: Buffer) => {
      const isGoodbye = chunk[0] === "X".charCodeAt(0) && chunk.length === 5;
      if (hasStarted && isGoodbye) return void near.end();
      if (hasStarted) speaker = near;
      (hasStarted ? shared! : far).write(chunk);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  const { username, pathname } = new URL(databaseUrl);
  return {
    url: `postgres://${username}@127.0.0.1:${port}${pathname}`,
    close: () =>
      new Promise((resolve) => {
        for (const socket of open) socket.destroy();
        server.close(() => resolve());
      }),
  };
}
