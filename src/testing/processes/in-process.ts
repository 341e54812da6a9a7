import { type App, startApp } from "../../app.ts";
import { readConfig } from "../../read-config.ts";
import { createLogger } from "../../telemetry/logger.ts";
import { type TestKeys, testKeys } from "../builders/tokens.ts";
import { limitsOff } from "../costs/limits-off.ts";
import { type TestDatabase, testDatabase } from "./database.ts";

/** The whole server inside this process, on a database of its own, over real HTTP and sockets. */
export interface InProcess extends AsyncDisposable {
  readonly url: string;
  readonly databaseUrl: string;
  token(userId: string, claims?: Readonly<Record<string, unknown>>): Promise<string>;
  /** What it logged at level warn or worse. A bug is a line here, also one that was answered. */
  readonly complaints: readonly string[];
}

/** Serving, and owner of every conversation. Variables win over what is set here. */
export async function startInProcess(variables: Readonly<Record<string, string>> = {}): Promise<InProcess> {
  const [database, keys] = await Promise.all([testDatabase(), testKeys()]);
  const complaints: string[] = [];
  const write = (line: string) => void (isComplaint(line) && complaints.push(line));
  const logger = createLogger({ level: "warn", format: "json" }, { write });
  const config = configOf(database, keys, variables);
  const app = await startApp({ config, logger, mode: "serve", version: "0.0.0", commit: "test" });
  await app.ready;
  return {
    url: app.url,
    databaseUrl: database.url,
    token: (userId, claims) => keys.token(userId, claims),
    complaints,
    [Symbol.asyncDispose]: () => endAll(app, database, keys),
  };
}

/** The security log is written at every level; that the tests run as root is no fault of the server. */
function isComplaint(line: string): boolean {
  const { level, msg } = JSON.parse(line) as { readonly level: string; readonly msg: string };
  return level !== "info" && msg !== "running_as_root";
}

async function endAll(app: App, database: TestDatabase, keys: TestKeys): Promise<void> {
  await app.stop();
  await database.close();
  keys.dispose();
}

function configOf(database: TestDatabase, keys: TestKeys, variables: Readonly<Record<string, string>>) {
  const environment = {
    HOST: "127.0.0.1",
    PORT: "0",
    ADMIN_PORT: "0",
    DATABASE_URL: database.url,
    WHISPR_AUTO_MIGRATE: "1",
    JWT_PUBLIC_KEYS_FILE: keys.jwksFile,
    ...limitsOff,
    ...variables,
  };
  const read = readConfig({ environment, flags: {}, purpose: "serve", isTerminal: false });
  if (!read.ok) throw new Error(read.problems.join("\n"));
  return read.config;
}
