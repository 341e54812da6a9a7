import { EmbeddedPostgres } from "../../store/embedded/embedded-postgres.ts";
import { EmbeddedRefusal } from "../../store/embedded/refusal.ts";

/**
 * Owns the embedded PostgreSQL of one data directory, for tests that kill owners: `bun embedded-process.ts DIRECTORY`.
 * Tells a line of JSON per event on standard output; a line on standard input is what to do: `stop`, `exit`, `fall` (end with
 * nothing left to do, without a stop).
 */
function tell(event: string, fields: Readonly<Record<string, unknown>> = {}): void {
  process.stdout.write(`${JSON.stringify({ event, ...fields })}\n`);
}

const log = (text: string, fields?: object) => tell("log", { text, ...fields });

async function main(dataDir: string): Promise<void> {
  process.on("SIGINT", () => tell("interrupted"));
  const startedMs = performance.now();
  const postgres = await EmbeddedPostgres.start({
    dataDir,
    user: process.env.WHISPR_POSTGRES_USER ?? null,
    logger: { info: (text, fields) => tell("info", { text, ...fields }), warn: log, error: log },
    onDown: () => tell("down"),
    onUp: () => tell("up"),
  });
  tell("started", {
    url: postgres.url,
    superuserUrl: postgres.superuserUrl,
    tookMs: performance.now() - startedMs,
  });
  for await (const line of console) {
    if (line === "exit") process.exit(0);
    if (line === "fall") break;
    if (line === "stop") return stop(postgres);
  }
}

async function stop(postgres: EmbeddedPostgres): Promise<void> {
  await postgres.stop();
  tell("stopped");
  process.exit(0);
}

function refuse(error: unknown): never {
  const code = error instanceof EmbeddedRefusal ? error.code : "bug";
  tell("refused", { code, text: String(error) });
  process.exit(1);
}

await main(process.argv[2] ?? "").catch(refuse);
