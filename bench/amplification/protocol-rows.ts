import { HttpConnection } from "./http-connection.ts";
import { junk } from "./inputs.ts";
import type { Row, Run } from "./row.ts";
import type { Someone, World } from "./world.ts";

const handshake = (token: string) =>
  `GET /socket/websocket?vsn=2.0.0&token=${token} HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n` +
  `sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`;
const wrongToken = (token: string) => `${token.slice(0, -20)}${"A".repeat(20)}`;
const refused = "refused request";
const malformed = "malformed frame";

/** What is no operation: joins, heartbeats, handshakes, and everything that is refused. */
export const protocolRows: readonly Row[] = [
  {
    operation: "join of a conversation",
    input: "1,000 members, all of them online",
    isPage: true,
    act: ({ world }) => world.joiner.join(world.hall.topic),
    follow: ({ world }) => world.joiner,
  },
  {
    operation: "join of a conversation",
    input: "1,000 members, with a cursor from the beginning",
    readBytes: 50_000,
    isPage: true,
    act: ({ world }) =>
      world.joiner.join(world.quiet.topic, `{"since_seq":0,"since_rev":0,"generation":${world.generation}}`),
    follow: ({ world }) => world.joiner,
  },
  {
    operation: "join of a user",
    input: "500 conversations, nothing missed",
    readBytes: 50_000,
    isPage: true,
    act: ({ world }) => world.collecting.join(`user:${world.collector.userId}`),
    follow: ({ world }) => world.collecting,
  },
  {
    operation: "join of a user",
    input: "11,000 cursors of conversations that there are not",
    readBytes: 50_000,
    times: 5,
    act: ({ world }) => {
      const cursors = Array.from({ length: 11_000 }, () => `"${crypto.randomUUID()}":0`).join();
      return world.collecting.join(
        `user:${world.collector.userId}`,
        `{"cursors":{${cursors}},"generation":${world.generation}}`,
      );
    },
    follow: ({ world }) => world.collecting,
  },
  {
    operation: "join of a user",
    input: "200 long messages missed",
    isPage: true,
    times: 3,
    act: ({ world }) =>
      world.ownerDevice.join(
        `user:${world.owner.userId}`,
        `{"cursors":{"${world.heavy}":1},"generation":${world.generation}}`,
      ),
    follow: ({ world }) => world.ownerDevice,
  },
  {
    operation: "leave",
    input: "and join again, a group of 1,000",
    isPage: true,
    act: async ({ world }) => {
      const left = await world.joiner.push(world.quiet.topic, "phx_leave", "{}");
      const joined = await world.joiner.join(world.quiet.topic);
      return { ...joined, sent: left.sent + joined.sent, received: left.received + joined.received };
    },
  },
  socketRow("heartbeat", "the smallest", `["","1","phoenix","heartbeat",{}]`, "1"),
  socketRow(
    "heartbeat",
    "250,000 brackets",
    `["","1","phoenix","heartbeat",${"[".repeat(250_000)}${"]".repeat(250_000)}]`,
    null,
  ),
  socketRow("heartbeat", "38,000 fields", `["","1","phoenix","heartbeat",${junk["38,000 fields"]}]`, "1"),
  socketRow(malformed, "one character", "[", null),
  socketRow(malformed, "250,000 brackets", "[".repeat(250_000), null),
  socketRow(malformed, "500 kB of an object", `{"ref":1,"a":${junk["38,000 fields"]}}`, null),
  socketRow("oversized frame", "2 MB", `["1","1","phoenix","a","${"x".repeat(2_000_000)}"]`, "1"),
  socketRow("unknown event", "the smallest", `["1","9","phoenix","a",{}]`, "9"),
  {
    operation: "unknown event",
    input: "on a topic",
    act: ({ world, room }) => world.memberOf(room).push(room.topic, "a", "{}"),
  },
  {
    operation: "unknown topic",
    input: "join of 255 characters that JSON writes as six",
    act: async ({ world }) =>
      (await world.scratch.reopened()).text(`["1","9","${"\\u0001".repeat(255)}","phx_join",{}]`, null),
  },
  httpRow("handshake", "with a token", (world) => handshake(world.owner.token)),
  httpRow("handshake", "with a token that is not signed by us", (world) =>
    handshake(wrongToken(world.owner.token)),
  ),
  httpRow("handshake", "with a token of 8 kB", () => handshake(`${"a".repeat(20)}.${"b".repeat(8_000)}.c`)),
  httpRow("handshake", "without a token", () => handshake("")),
  httpRow(refused, "without a token", () => "GET /api/v1/conversations HTTP/1.1\r\nhost: a\r\n\r\n"),
  httpRow(
    refused,
    "with a token that is not signed by us",
    ({ owner }) =>
      `GET /api/v1/conversations HTTP/1.1\r\nhost: a\r\nauthorization: Bearer ${wrongToken(owner.token)}\r\n\r\n`,
  ),
  httpRow(refused, "a path that is none", () => "GET / HTTP/1.1\r\nhost: a\r\n\r\n"),
  httpRow(refused, "a path of 8 kB", () => `GET /api/v1/${"a".repeat(8_000)} HTTP/1.1\r\nhost: a\r\n\r\n`),
  httpRow(
    refused,
    "another method",
    () => "PUT /api/v1/conversations HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n",
  ),
  httpRow(refused, "10 wrong fields", ({ owner }) =>
    withBody(
      owner.token,
      `{"type":1,"name":1,"user_ids":1,"metadata":1,"client_random":[],"external_group_id":1,"group_settings":1,"other_user_id":1}`,
    ),
  ),
  httpRow(
    refused,
    "an announced body that is too large",
    ({ owner }) =>
      `POST /api/v1/conversations HTTP/1.1\r\nhost: a\r\nauthorization: Bearer ${owner.token}\r\ncontent-length: 600000\r\n\r\n`,
  ),
  httpRow(
    refused,
    "10,000 parameters",
    ({ owner }) =>
      `GET /api/v1/conversations/${crypto.randomUUID()}?${"a&".repeat(6_000)} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer ${owner.token}\r\n\r\n`,
  ),
  presenceRow("a member of a group of 1,000", ({ room }) => room.passerby, true),
  presenceRow("a user with 500 conversations", ({ world }) => world.visitor, false),
];

/** Comes, is there for a moment, and is gone after the grace of a reconnect. */
function presenceRow(input: string, whoOf: (run: Run) => Someone, isHeard: boolean): Row {
  return {
    operation: "presence",
    input: `${input} comes and goes`,
    isHeard,
    times: 3,
    act: async (run) => {
      const one = whoOf(run);
      const device = await run.world.device(one).connect();
      const joined = await device.join(`user:${one.userId}`);
      await Bun.sleep(1_000);
      device.close();
      await Bun.sleep(3_500);
      return joined;
    },
  };
}

function socketRow(operation: string, input: string, text: string, ref: string | null): Row {
  return { operation, input, act: async ({ world }) => (await world.scratch.reopened()).text(text, ref) };
}

/** On a connection of its own, which may not be kept. */
function httpRow(operation: string, input: string, text: (world: World) => string): Row {
  return {
    operation,
    input,
    async act({ world }) {
      const connection = new HttpConnection(world.url);
      try {
        return await connection.text(text(world));
      } finally {
        connection.close();
      }
    },
  };
}

function withBody(token: string, body: string): string {
  return `POST /api/v1/conversations HTTP/1.1\r\nhost: a\r\nauthorization: Bearer ${token}\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
}
