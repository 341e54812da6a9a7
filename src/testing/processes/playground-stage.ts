import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { BrowserContext } from "playwright-core";
import { type narrowScreen, startBrowser } from "./browser.ts";
import { type TestDatabase, testDatabase } from "./database.ts";
import { PlaygroundTab } from "./playground-tab.ts";
import { freePort, type ServerProcess, serverCommand, startServer } from "./server.ts";

/** A real browser and a real server for the tests of one file: the executable under test, or the sources where there is none. */
export class PlaygroundStage {
  browser!: BrowserContext;
  /** A `dev`, with the sample users. */
  server!: ServerProcess;
  readonly #databases: TestDatabase[] = [];
  /** Where `dev` keeps its key. */
  readonly #directory = mkdtempSync(join(tmpdir(), "whispr-playground-"));
  readonly #tabs: PlaygroundTab[] = [];

  constructor() {
    beforeAll(() => this.#begin(), 180_000);
    afterEach(() => this.#closeTabs());
    afterAll(() => this.#end());
  }

  /** A test that tells what its pages showed when it failed. */
  readonly scene = (name: string, act: () => Promise<void>): void => {
    test(name, async () => {
      try {
        await act();
      } catch (error) {
        for (const { page } of this.#tabs)
          console.error(await page.locator("body").ariaSnapshot({ timeout: 1_000 }));
        throw error;
      }
    });
  };

  /** A server on a database of its own. */
  readonly start = async (
    command: "dev" | "serve",
    environment: Readonly<Record<string, string>> = {},
  ): Promise<ServerProcess> => {
    const database = await testDatabase();
    this.#databases.push(database);
    return this.#startOn(database.url, command, environment, await freePort());
  };

  /** The same server again, where it was and on the same database. */
  readonly startAgain = (server: ServerProcess): Promise<ServerProcess> => {
    const { url } = this.#databases.at(-1)!;
    return this.#startOn(url, "dev", {}, Number(new URL(server.url).port));
  };

  /** Somebody's tab; null: nobody's yet. */
  readonly tab = async (
    as: string | null,
    more: {
      readonly viewport?: typeof narrowScreen;
      readonly url?: string;
      /** The part of the address after `#`, with it. */
      readonly place?: string;
    } = {},
  ): Promise<PlaygroundTab> => {
    const opened = await PlaygroundTab.open(this.browser, { url: this.server.url, as, ...more });
    this.#tabs.push(opened);
    return opened;
  };

  /** As an operator, or a user service of theirs, does it. */
  readonly block = async (
    command: "block" | "unblock",
    blocker: PlaygroundTab,
    blocked: PlaygroundTab,
  ): Promise<void> => {
    const ids = [(await blocker.account()).userId, (await blocked.account()).userId];
    const env = { PATH: process.env.PATH ?? "", DATABASE_URL: this.#databases[0]!.url };
    const child = Bun.spawn([...serverCommand(), "admin", command, ...ids], { env, stdout: "ignore" });
    expect(await child.exited).toBe(0);
  };

  /** Another app of the same user and device: what it writes over REST. */
  readonly poster = async (as: PlaygroundTab): Promise<Post> => {
    const { userId, deviceId } = await as.account();
    const minted = await fetch(`${this.server.url}/playground/token`, {
      method: "POST",
      headers: { origin: this.server.url, "content-type": "application/json" },
      body: JSON.stringify({ user_id: userId, device_id: deviceId }),
    });
    const { token } = (await minted.json()) as { readonly token: string };
    return async (path, body) => {
      const answer = await fetch(`${this.server.url}/api/v1${path}`, {
        method: "POST",
        headers: { authorization: `Bearer ${token}` },
        body: JSON.stringify(body),
      });
      return ((await answer.json()) as { readonly data: { readonly id: string } }).data;
    };
  };

  #startOn(
    databaseUrl: string,
    command: "dev" | "serve",
    environment: Readonly<Record<string, string>>,
    port: number,
  ): Promise<ServerProcess> {
    const all = { DATABASE_URL: databaseUrl, WHISPR_DATA_DIR: this.#directory, ...environment };
    return startServer({ arguments: [command], environment: all, port });
  }

  async #begin(): Promise<void> {
    [this.browser, this.server] = await Promise.all([startBrowser(), this.start("dev")]);
  }

  async #closeTabs(): Promise<void> {
    const complaints = this.#tabs.flatMap((tab) => tab.complaints);
    await Promise.all(this.#tabs.splice(0).map((tab) => tab.close()));
    expect(complaints).toEqual([]);
  }

  async #end(): Promise<void> {
    await this.browser?.browser()?.close();
    await this.server?.[Symbol.asyncDispose]();
    await Promise.all(this.#databases.splice(0).map((database) => database.close()));
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

type Post = (path: string, body: object) => Promise<{ readonly id: string }>;
