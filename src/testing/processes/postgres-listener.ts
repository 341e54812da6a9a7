import { createServer, type Server, type Socket } from "node:net";

/** What came in on one connection before it was ended. */
export interface Attempt {
  readonly asksForTls: boolean;
  /** Of a startup in plaintext; null: there was none. */
  readonly startup: Readonly<Record<string, string>> | null;
  readonly password: string | null;
}

const sslRequest = 80_877_103;

/** Listens like a PostgreSQL without TLS, asks for a password in plaintext, and refuses everybody with an SQLSTATE. */
export class PostgresListener {
  readonly attempts: Attempt[] = [];
  /** How it refuses: the code, and what it says. */
  refusal: readonly [code: string, message: string] = ["28P01", "no"];
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((socket) => this.#attend(socket));
  }

  /** On a port, 0 for any, or on the path of a Unix socket. */
  static async start(place: { host: string; port: number } | { path: string }): Promise<PostgresListener> {
    const listener = new PostgresListener();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    listener.#server.once("error", reject).listen(place, resolve);
    await promise;
    return listener;
  }

  get port(): number {
    const address = this.#server.address();
    return typeof address === "object" && address ? address.port : 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#server.close(() => resolve());
    await promise;
  }

  #attend(socket: Socket): void {
    let attempt: Attempt = { asksForTls: false, startup: null, password: null };
    const index = this.attempts.push(attempt) - 1;
    socket.on("error", () => {});
    socket.on("data", (data: Buffer) => {
      attempt = { ...attempt, ...this.#answer(socket, data, attempt) };
      this.attempts[index] = attempt;
    });
  }

  #answer(socket: Socket, data: Buffer, { startup }: Attempt): Partial<Attempt> {
    if (startup) {
      socket.end(errorMessage(...this.refusal));
      return { password: data.subarray(5, -1).toString() };
    }
    if (data.readInt32BE(4) === sslRequest) {
      socket.write("N");
      return { asksForTls: true };
    }
    socket.write(Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 3]));
    return { startup: pairsOf(data.subarray(8)) };
  }
}

function pairsOf(data: Buffer): Record<string, string> {
  const words = data.toString().split("\0");
  const pairs: Record<string, string> = {};
  for (let at = 0; at + 1 < words.length && words[at] !== ""; at += 2) pairs[words[at]!] = words[at + 1]!;
  return pairs;
}

function errorMessage(code: string, text: string): Buffer {
  const fields = Buffer.from(`SFATAL\0VFATAL\0C${code}\0M${text}\0\0`);
  const head = Buffer.alloc(5);
  head.write("E");
  head.writeInt32BE(fields.length + 4, 1);
  return Buffer.concat([head, fields]);
}
