import { newId } from "../../system.ts";
import { type TestKeys, testKeys } from "../builders/tokens.ts";
import { FrameSocket } from "../clients/frame-socket.ts";
import { RestClient } from "../clients/rest-client.ts";
import { type TestDatabase, testDatabase } from "../processes/database.ts";
import { freePort, type ServerProcess, startServer } from "../processes/server.ts";

/** How long the token lives that is to expire: long enough to connect and join on a slow machine. */
const shortLifeSeconds = 10;

/** A server that can be killed, for several plays at once: each has a conversation of its own. */
export class Stage implements AsyncDisposable {
  readonly #keys: TestKeys;
  readonly #database: TestDatabase;
  readonly #port: number;
  #server: ServerProcess;
  /** Plays that have not asked for the kill yet, and those that wait for it. */
  #before: number;
  #waiting: (() => void)[] = [];

  private constructor(options: {
    readonly keys: TestKeys;
    readonly database: TestDatabase;
    readonly port: number;
    readonly server: ServerProcess;
    readonly plays: number;
  }) {
    this.#keys = options.keys;
    this.#database = options.database;
    this.#port = options.port;
    this.#server = options.server;
    this.#before = options.plays;
  }

  static async open(plays: number): Promise<Stage> {
    const [keys, database, port] = await Promise.all([testKeys(), testDatabase(), freePort()]);
    return new Stage({ keys, database, port, plays, server: await serve(keys, database, port) });
  }

  get url(): string {
    return this.#server.url;
  }

  async scene(): Promise<Scene> {
    const [user, peer] = [newId(), newId()];
    const rest = new RestClient({ url: this.url, token: await this.#keys.token(peer) });
    return new Scene({ stage: this, keys: this.#keys, user, peer, rest, id: await rest.createDirect(user) });
  }

  /** `kill -9` once every play has asked for it. Resolves when the server is back. */
  async kill(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.push(resolve);
    await this.#oneLess();
    await promise;
  }

  /** A play that ended before it asked for the kill holds up no other. */
  gaveUp(): Promise<void> {
    return this.#oneLess();
  }

  async #oneLess(): Promise<void> {
    this.#before -= 1;
    if (this.#before > 0 || this.#waiting.length === 0) return;
    await this.#server.end("SIGKILL");
    this.#server = await serve(this.#keys, this.#database, this.#port);
    for (const resume of this.#waiting.splice(0)) resume();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.end("SIGTERM");
    await this.#database.close();
    this.#keys.dispose();
  }
}

function serve(keys: TestKeys, { url }: TestDatabase, port: number): Promise<ServerProcess> {
  const environment = { DATABASE_URL: url, WHISPR_AUTO_MIGRATE: "1", JWT_PUBLIC_KEYS_FILE: keys.jwksFile };
  return startServer({ arguments: ["serve"], environment, port });
}

/** One conversation of the client's user with a peer whom the harness plays. */
export class Scene {
  readonly user: string;
  readonly peer: string;
  readonly id: string;
  readonly #stage: Stage;
  readonly #keys: TestKeys;
  readonly #rest: RestClient;
  #asked = false;

  constructor(options: {
    readonly stage: Stage;
    readonly keys: TestKeys;
    readonly user: string;
    readonly peer: string;
    readonly id: string;
    readonly rest: RestClient;
  }) {
    this.user = options.user;
    this.peer = options.peer;
    this.id = options.id;
    this.#stage = options.stage;
    this.#keys = options.keys;
    this.#rest = options.rest;
  }

  get topic(): string {
    return `conversation:${this.id}`;
  }

  get socketUrl(): string {
    return `${this.#stage.url.replace("http", "ws")}/socket`;
  }

  /** What a `CTL` line is answered with. Throws for one that is not understood. */
  async control(line: string): Promise<string> {
    const [verb = "", ...words] = line.split(" ");
    if (verb === "token") return this.#token(words[0]);
    if (verb === "send") await this.#send(words.join(" "));
    else if (verb === "peer") await this.#joinPeer();
    else if (verb === "kill") await this.#kill();
    else throw new Error(`CTL ${line} is not understood`);
    return "ok";
  }

  async history(): Promise<readonly string[]> {
    return (await this.#rest.history(this.id)).map(({ content }) => content);
  }

  /** The play is over. */
  async ended(): Promise<void> {
    if (!this.#asked) await this.#stage.gaveUp();
    this.#asked = true;
  }

  async #token(kind: string | undefined): Promise<string> {
    if (kind === "bad") return "none.of.ours";
    const exp = Math.floor(Date.now() / 1_000) + shortLifeSeconds;
    return this.#keys.token(this.user, kind === "short" ? { exp } : {});
  }

  async #send(content: string): Promise<void> {
    await this.#rest.call("POST", `/conversations/${this.id}/messages`, { content });
  }

  async #joinPeer(): Promise<void> {
    const url = this.#stage.url;
    const socket = await FrameSocket.open({ url, token: await this.#keys.token(this.peer) });
    await socket.join(this.topic, "1");
  }

  async #kill(): Promise<void> {
    this.#asked = true;
    await this.#stage.kill();
  }
}
