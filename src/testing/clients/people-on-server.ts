import { afterAll, afterEach, beforeAll, expect } from "bun:test";
import { type InProcess, startInProcess } from "../processes/in-process.ts";
import { People } from "./people.ts";

/** Of a server that runs while there are tests: usable in tests and in hooks that come later, not while the file is read. */
export type RunningServer = Pick<InProcess, "url" | "databaseUrl" | "token">;

/**
 * Gives the tests of a file a whole server of their own, and people on it. Sockets end with each test, the server after the last one; it must
 * not have complained of anything.
 */
export function peopleOnServer(variables: Readonly<Record<string, string>> = {}): {
  readonly server: RunningServer;
  readonly people: People;
} {
  let running: InProcess | null = null;
  const present = () => {
    if (!running) throw new Error("the server runs in tests only");
    return running;
  };
  const server: RunningServer = {
    get url() {
      return present().url;
    },
    get databaseUrl() {
      return present().databaseUrl;
    },
    token: (...given) => present().token(...given),
  };
  const people = new People(server);
  beforeAll(async () => {
    running = await startInProcess(variables);
  }, 120_000);
  afterAll(async () => {
    expect(running?.complaints).toEqual([]);
    await running?.[Symbol.asyncDispose]();
  }, 120_000);
  afterEach(() => people.disconnect());
  return { server, people };
}
