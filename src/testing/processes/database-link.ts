import { connect, createServer, type Socket } from "node:net";
import { parse } from "pg-connection-string";

/** A way to PostgreSQL that can be disturbed: what goes over it is passed on until a connection is told otherwise. */
export interface DatabaseLink {
  /** The address of the database by this way. */
  readonly url: string;
  /** Connections that were made over it. */
  readonly made: () => number;
  /** The connections that are open now say nothing any more and hear nothing, and do not end. */
  readonly silenceAll: () => void;
  /** From here on nothing passes, also on new connections, which are accepted; nothing ends. Until `heal`, for new ones. */
  readonly cut: () => void;
  readonly heal: () => void;
  readonly close: () => Promise<void>;
}

/** What happens to the connection of that number (the first is 1) once the database has accepted it. */
export type Disturbance = "none" | "silent" | "ends at once" | "speaks another language" | "never listens";

/** ReadyForQuery, idle: what ends the start of a connection. */
const ready = Buffer.from("Z\0\0\0\u0005I", "latin1");

export async function databaseLink(
  databaseUrl: string,
  disturb: (connection: number) => Disturbance = () => "none",
): Promise<DatabaseLink> {
  const silenced = new WeakSet<Socket>();
  const open = new Set<Socket>();
  let made = 0;
  let isCut = false;
  const server = createServer((near) => {
    const far = connect(placeOf(databaseUrl));
    if (isCut) silenced.add(near);
    const disturbance = disturb(++made);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      open.add(from);
      from.on("error", () => {});
      from.on("close", () => {
        open.delete(from);
        to.destroy();
      });
      from.on("data", (chunk: Buffer) => {
        if (silenced.has(near)) return;
        if (disturbance === "never listens") return void to.write(withoutListen(chunk));
        if (disturbance === "speaks another language") return void to.write(translated(chunk));
        if (from === near || disturbance === "none" || !chunk.includes(ready)) return void to.write(chunk);
        if (disturbance === "ends at once") return void to.end(Buffer.concat([chunk, lastWords]));
        silenced.add(near);
        to.write(chunk);
      });
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = new URL(databaseUrl);
  const { port } = server.address() as { port: number };
  const silenceAll = () => {
    for (const socket of open) silenced.add(socket);
  };
  const path = `${url.username}${url.password && `:${url.password}`}@127.0.0.1:${port}${url.pathname}`;
  return {
    url: `postgres://${path}`,
    made: () => made,
    silenceAll,
    cut: () => {
      isCut = true;
      silenceAll();
    },
    heal: () => {
      isCut = false;
    },
    close: () =>
      new Promise((resolve) => {
        for (const socket of open) socket.destroy();
        server.close(() => resolve());
      }),
  };
}

export function placeOf(url: string): { path: string } | { host: string; port: number } {
  const { host, port } = parse(url);
  const number = Number(port || 5432);
  if (host?.startsWith("/")) return { path: `${host}/.s.PGSQL.${number}` };
  return { host: host || "127.0.0.1", port: number };
}

/** As a pooler does that gives each statement another session: `listen` has no effect. */
function withoutListen(chunk: Buffer): Buffer {
  const listen = /\blisten \w+/g;
  return Buffer.from(
    chunk.toString("latin1").replaceAll(listen, (text) => "select 1".padEnd(text.length)),
    "latin1",
  );
}

/** The severity for people, in as many letters; that for programs (`V`) is never translated, but `pg` does not show it. */
function translated(chunk: Buffer): Buffer {
  return Buffer.from(chunk.toString("latin1").replaceAll("SERROR\0", "SERREU\0"), "latin1");
}

/** ErrorResponse of a server that is being stopped. */
const lastWords = message(
  "E",
  "SFATAL\0VFATAL\0C57P01\0Mterminating connection due to administrator command\0\0",
);

function message(type: string, body: string): Buffer {
  const length = Buffer.alloc(4);
  length.writeInt32BE(4 + Buffer.byteLength(body));
  return Buffer.concat([Buffer.from(type), length, Buffer.from(body)]);
}
