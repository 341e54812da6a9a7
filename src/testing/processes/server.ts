import { spawn } from "node:child_process";
import { createServer } from "node:net";
import { limitsOff } from "../costs/limits-off.ts";

/** A server of ours as a process of its own: the compiled executable, or the sources where there is none. */
export interface ServerProcess {
  readonly pid: number;
  readonly url: string;
  /** What it wrote, newest last; bounded. */
  readonly output: () => string;
  /** Ends it and waits until it is gone. */
  end(
    signal: "SIGTERM" | "SIGKILL" | "SIGINT",
  ): Promise<{ readonly code: number | null; readonly tookMs: number }>;
  readonly exited: Promise<number | null>;
  [Symbol.asyncDispose](): Promise<void>;
}

const outputKept = 100_000;

/** `WHISPR_TEST_BINARY`, else the sources. */
export function serverCommand(): readonly string[] {
  const binary = process.env.WHISPR_TEST_BINARY;
  return binary ? [binary] : [process.execPath, new URL("../../../cli/main.ts", import.meta.url).pathname];
}

/** A port that was free a moment ago, below the ephemeral ones. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    if (await isFree(port)) return port;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once("error", () => resolve(false));
    probe.listen(port, "127.0.0.1", () => probe.close(() => resolve(true)));
  });
}

/** Starts the command with nothing in its environment but `environment`, and no limits unless it sets them. Ready: its `/ready` said so. */
export async function startServer(options: {
  readonly arguments: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly port: number;
  readonly command?: readonly string[];
  readonly directory?: string;
  readonly waitFor?: "ready" | "live";
  readonly deadlineMs?: number;
}): Promise<ServerProcess> {
  const [file, ...before] = options.command ?? serverCommand();
  const child = spawn(file!, [...before, ...options.arguments], {
    env: {
      PATH: process.env.PATH ?? "",
      HOST: "127.0.0.1",
      ADMIN_PORT: "0",
      PORT: String(options.port),
      ...limitsOff,
      ...options.environment,
    },
    ...(options.directory ? { cwd: options.directory } : {}),
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  const keep = (chunk: Buffer) => {
    output = (output + chunk.toString()).slice(-outputKept);
  };
  child.stdout.on("data", keep);
  child.stderr.on("data", keep);
  const exited = new Promise<number | null>((resolve) => child.once("exit", (code) => resolve(code)));
  const url = `http://127.0.0.1:${options.port}`;
  const server: ServerProcess = {
    pid: child.pid!,
    url,
    output: () => output,
    exited,
    async end(signal) {
      const startedMs = performance.now();
      child.kill(signal);
      const code = await exited;
      return { code, tookMs: performance.now() - startedMs };
    },
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await exited;
    },
  };
  await untilUp(server, options.waitFor ?? "ready", options.deadlineMs ?? 60_000);
  return server;
}

async function untilUp(server: ServerProcess, probe: "ready" | "live", deadlineMs: number): Promise<void> {
  const untilMs = performance.now() + deadlineMs;
  let over = false;
  void server.exited.then(() => {
    over = true;
  });
  while (performance.now() < untilMs) {
    if (over) throw new Error(`the server ended before it was ${probe}:\n${server.output()}`);
    const response = await fetch(`${server.url}/${probe}`).catch(() => null);
    if (response?.ok) return;
    await Bun.sleep(20);
  }
  await server.end("SIGKILL");
  throw new Error(`the server was not ${probe} within ${deadlineMs} ms:\n${server.output()}`);
}
