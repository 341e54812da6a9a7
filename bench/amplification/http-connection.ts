import type { Socket } from "bun";

/** Bytes as they were on the wire, heads included. */
export interface Exchange {
  readonly sent: number;
  readonly received: number;
  /** HTTP status, or how a socket was answered. */
  readonly status: string;
}

const endOfHead = Buffer.from("\r\n\r\n");

/** One HTTP/1.1 connection that is kept, and counts every byte. One request at a time. */
export class HttpConnection {
  readonly #to: URL;
  #socket: Socket | null = null;
  #received: Buffer[] = [];
  #size = 0;
  #expected = Number.POSITIVE_INFINITY;
  #answered: (() => void) | null = null;

  constructor(url: string) {
    this.#to = new URL(url);
  }

  async request(given: {
    readonly method: string;
    readonly path: string;
    readonly token?: string | null;
    readonly headers?: string;
    readonly body?: string;
  }): Promise<Exchange> {
    const { method, path, token, headers = "", body } = given;
    const credentials = token ? `authorization: Bearer ${token}\r\n` : "";
    const length = body === undefined ? "" : `content-length: ${Buffer.byteLength(body)}\r\n`;
    return this.text(
      `${method} ${path} HTTP/1.1\r\nhost: a\r\n${credentials}${headers}${length}\r\n${body ?? ""}`,
    );
  }

  async text(text: string): Promise<Exchange> {
    const bytes = Buffer.from(text);
    this.#socket ??= await this.#connect();
    const socket = this.#socket;
    [this.#received, this.#size, this.#expected] = [[], 0, Number.POSITIVE_INFINITY];
    const answered = new Promise<void>((resolve) => {
      this.#answered = resolve;
    });
    this.#write(socket, bytes);
    await answered;
    const head = this.#received[0]?.toString("latin1", 9, 12) ?? "closed";
    return { sent: bytes.length, received: this.#size, status: head };
  }

  close(): void {
    this.#socket?.end();
    this.#socket = null;
  }

  /** The body of the last answer. */
  get body(): string {
    const all = Buffer.concat(this.#received);
    return all.toString("utf8", all.indexOf(endOfHead) + endOfHead.length);
  }

  #rest: Buffer | null = null;

  #write(socket: Socket, bytes: Buffer): void {
    const written = Math.max(0, socket.write(bytes));
    this.#rest = written < bytes.length ? bytes.subarray(written) : null;
  }

  #connect(): Promise<Socket> {
    return Bun.connect({
      hostname: this.#to.hostname,
      port: Number(this.#to.port),
      socket: {
        data: (_socket, chunk) => this.#heard(chunk),
        drain: (socket) => void (this.#rest && this.#write(socket, this.#rest)),
        close: () => this.#closed(),
        error: () => this.#closed(),
      },
    });
  }

  #heard(chunk: Buffer): void {
    this.#received.push(Buffer.from(chunk));
    this.#size += chunk.length;
    if (this.#expected === Number.POSITIVE_INFINITY) this.#readHead();
    if (this.#size >= this.#expected) this.#answered?.();
  }

  #readHead(): void {
    const all = Buffer.concat(this.#received);
    const end = all.indexOf(endOfHead);
    if (end < 0) return;
    const head = all.toString("latin1", 0, end);
    this.#received = [all];
    this.#expected = end + endOfHead.length + Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1] ?? 0);
  }

  #closed(): void {
    this.#socket = null;
    this.#answered?.();
  }
}
