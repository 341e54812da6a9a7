/** A real `Bun.serve` with nothing but Phoenix sockets on it; the token is the identity. For tests. */
import type { Channel, ClientEvent, Gate, Joining, JoinOutcome } from "../channel.ts";
import type { FrameLimit } from "../frame-reader.ts";
import { readToken } from "../handshake.ts";
import type { TakeLot } from "../intake.ts";
import type { SocketsObserver } from "../observer.ts";
import { type PhoenixSettings, phoenixDefaults } from "../settings.ts";
import { type SocketData, Sockets } from "../sockets.ts";

export interface Seen {
  readonly failures: string[];
  readonly overruns: string[];
  readonly closes: number[];
  malformed: number;
  readonly unread: string[];
}

export interface Endpoint extends AsyncDisposable {
  readonly sockets: Sockets<string>;
  readonly url: string;
  readonly port: number;
  readonly seen: Seen;
}

export function endpoint(options: {
  readonly channel: Channel<string>;
  readonly settings?: Partial<PhoenixSettings>;
  readonly gate?: Gate<string>;
  readonly frameLimit?: FrameLimit;
  readonly takeLot?: TakeLot<string>;
  readonly canonical?: (topic: string) => string;
  readonly clock?: { now(): number };
  readonly port?: number;
}): Endpoint {
  const seen: Seen = { failures: [], overruns: [], closes: [], malformed: 0, unread: [] };
  const sockets = new Sockets<string>({
    ...(options.gate && { gate: options.gate }),
    ...(options.frameLimit && { frameLimit: options.frameLimit }),
    ...(options.takeLot && { takeLot: options.takeLot }),
    ...(options.canonical && { canonical: options.canonical }),
    settings: { ...phoenixDefaults, ...options.settings },
    observer: remembering(seen),
    clock: options.clock ?? performance,
  });
  const server = Bun.serve<SocketData<string>>({
    port: options.port ?? 0,
    hostname: "127.0.0.1",
    websocket: sockets.websocket,
    fetch(request, self) {
      const { token, subprotocol } = readToken(request);
      if (token === "refused") return new Response("no", { status: 403 });
      if (sockets.upgrade(request, self, token ?? "nobody", subprotocol)) return undefined;
      return new Response("busy", { status: 503 });
    },
  });
  sockets.attach(server, (topic) => (topic.startsWith("place:") ? options.channel : undefined));
  return {
    sockets,
    seen,
    port: server.port ?? 0,
    url: `ws://127.0.0.1:${server.port}/socket`,
    async [Symbol.asyncDispose]() {
      sockets.stop();
      await server.stop(true);
    },
  };
}

function remembering(seen: Seen): SocketsObserver {
  return {
    opened() {},
    flooded: (reason) => seen.overruns.push(`flood of ${reason}`),
    closed: (code) => seen.closes.push(code),
    unread: (problem) => seen.unread.push(problem),
    malformed: () => {
      seen.malformed += 1;
    },
    overrun: (where) => seen.overruns.push(where),
    failed: (where, _topic, error) => seen.failures.push(`${where}: ${String(error)}`),
  };
}

/** Accepts everybody, answers every push with what it got; parts can be replaced. */
export function echoChannel(parts: Partial<Channel<string>> = {}): Channel<string> {
  return {
    join: (joining: Joining<string>): JoinOutcome => ({
      ok: true,
      response: JSON.stringify({ you: joining.identity }),
    }),
    receive: (push: ClientEvent<string>) =>
      push.reply(true, JSON.stringify({ event: push.event, got: push.payload })),
    ...parts,
  };
}

/** Joins that are settled by the test, in the order in which they were asked. */
export function joinsByHand(): {
  readonly asked: Joining<string>[];
  readonly join: (joining: Joining<string>) => Promise<JoinOutcome>;
  readonly settle: (index: number, outcome: JoinOutcome) => void;
} {
  const asked: Joining<string>[] = [];
  const waiting: ((outcome: JoinOutcome) => void)[] = [];
  return {
    asked,
    join(joining) {
      asked.push(joining);
      return new Promise((resolve) => waiting.push(resolve));
    },
    settle: (index, outcome) => waiting[index]?.(outcome),
  };
}
