import { connect, type Socket } from "node:net";
import { eventually } from "../eventually.ts";

/** A connection on which a test says character for character what it wants, and leaves as it wants. */
export class RawConnection {
  received = "";
  isClosed = false;
  readonly #socket: Socket;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("data", (data) => {
      this.received += data.toString("latin1");
    });
    socket.on("error", () => {});
    socket.on("close", () => {
      this.isClosed = true;
    });
  }

  /** Connected; nothing was sent. */
  static open(url: string): Promise<RawConnection> {
    const { hostname, port } = new URL(url);
    return new Promise((resolve, reject) => {
      const socket = connect(Number(port), hostname);
      socket.once("error", reject);
      socket.once("connect", () => {
        socket.off("error", reject);
        resolve(new RawConnection(socket));
      });
    });
  }

  static async sending(url: string, text: string): Promise<RawConnection> {
    const connection = await RawConnection.open(url);
    connection.send(text);
    return connection;
  }

  send(text: string): void {
    this.#socket.write(text);
  }

  /** Of the first answer; null: none came yet. */
  get status(): number | null {
    const [, status] = /^HTTP\/1\.1 (\d{3})/.exec(this.received) ?? [];
    return status === undefined ? null : Number(status);
  }

  header(name: string): string | null {
    return new RegExp(`^${name}: (.*?)\r?$`, "im").exec(this.received)?.[1] ?? null;
  }

  /** Answered, or closed without an answer. */
  async settled(): Promise<this> {
    await eventually("an answer", () => this.status !== null || this.isClosed);
    return this;
  }

  /** Says that nothing more is sent, and still listens. */
  halfClose(): void {
    this.#socket.end();
  }

  close(): void {
    this.#socket.destroy();
  }

  /** With a reset, as a phone does that lost its network. */
  reset(): void {
    this.#socket.resetAndDestroy();
  }
}

/** A WebSocket handshake as text. */
export function handshakeText(path: string, headers: Readonly<Record<string, string>> = {}): string {
  const lines = Object.entries({
    Host: "a",
    Connection: "Upgrade",
    Upgrade: "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    ...headers,
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  return `GET ${path} HTTP/1.1\r\n${lines.join("")}\r\n`;
}
