import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { familyOf, processesNaming } from "../../src/testing/processes/processes.ts";

/** Clock ticks of /proc per second, on every Linux that matters. */
const ticksPerSecond = 100;
const probeEveryMs = 2;

/** The compiled executable with default settings. It can be killed and started again, on the same data and port. */
export class ServerUnderTest {
  readonly #binary: string;
  readonly #environment: Readonly<Record<string, string>>;
  readonly #port: number;
  #child: ChildProcess | null = null;
  #log = "";

  constructor(options: {
    readonly binary: string;
    readonly port: number;
    readonly environment: Readonly<Record<string, string>>;
  }) {
    this.#binary = options.binary;
    this.#port = options.port;
    this.#environment = options.environment;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** 0: it was never started. */
  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  /** What it wrote, of all its lives. */
  get log(): string {
    return this.#log;
  }

  /** Resolves when `/ready` says so, with that instant. */
  async start(): Promise<number> {
    const child = spawn(this.#binary, ["serve"], {
      env: {
        PATH: process.env.PATH ?? "",
        PORT: String(this.#port),
        HOST: "127.0.0.1",
        ...this.#environment,
      },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#child = child;
    for (const stream of [child.stdout, child.stderr])
      stream.on("data", (chunk: Buffer) => {
        this.#log += chunk.toString();
      });
    for (;;) {
      if (child.exitCode !== null) throw new Error(`the server ended:\n${this.#log}`);
      const response = await fetch(`${this.url}/ready`).catch(() => null);
      await response?.arrayBuffer();
      if (response?.ok) return performance.timeOrigin + performance.now();
      await Bun.sleep(probeEveryMs);
    }
  }

  async end(signal: "SIGKILL" | "SIGTERM"): Promise<void> {
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const exited = new Promise((resolve) => child.once("exit", resolve));
    child.kill(signal);
    await exited;
  }

  /** Megabytes: the most that its memory has been. */
  get mostMemoryMB(): number {
    const status = readFileSync(`/proc/${this.#child?.pid}/status`, "utf8");
    return Math.round(Number(/VmHWM:\s+(\d+)/.exec(status)?.[1]) / 1_024);
  }

  /** Seconds of processor time that the PostgreSQL which it carries has had; 0 for another one. */
  get postgresCpuSeconds(): number {
    const directory = this.#environment.WHISPR_DATA_DIR;
    const named = directory ? processesNaming(directory).filter((pid) => pid !== this.#child?.pid) : [];
    const pids = new Set(named.flatMap(familyOf));
    return [...pids].reduce((sum, pid) => sum + cpuSecondsOf(pid), 0);
  }

  /** Seconds of processor time that it has had. */
  get cpuSeconds(): number {
    return cpuSecondsOf(this.#child?.pid ?? 0);
  }
}

/** With that of its children that have ended. 0: it is gone. */
export function cpuSecondsOf(pid: number): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
      .replace(/^.*\) /s, "")
      .split(" ");
    return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) / ticksPerSecond;
  } catch {
    return 0;
  }
}
