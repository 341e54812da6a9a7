import type { Socket } from "bun";

/**
 * A WebSocket client (RFC 6455) of a few hundred bytes, so that one process holds many thousands of them without being the bottleneck itself. It
 * chooses its own source address, which no WebSocket API can. The mask of its frames is zero: allowed, and nothing has to be copied.
 */
export interface WebSocketEvents {
  opened(): void;
  /** The handshake was answered with another status than 101. `closed` follows. */
  refused(status: number, headers: string, body: string): void;
  text(frame: Buffer): void;
  /** Once, also when the connection could not be made. */
  closed(): void;
}

export interface Destination {
  readonly hostname: string;
  readonly port: number;
}

/** `localAddress` works in Bun and is not in its types. */
type ConnectOptions = Bun.TCPSocketConnectOptions<WebSocketClient> & { readonly localAddress: string };

const opcodes = { text: 1, close: 8, ping: 9, pong: 10 };
const endOfHead = Buffer.from("\r\n\r\n");

export class WebSocketClient {
  readonly #events: WebSocketEvents;
  #socket: Socket<WebSocketClient> | null = null;
  #request = "";
  #isOpen = false;
  #isClosed = false;
  /** The beginning of what has not arrived completely. */
  #rest: Buffer | null = null;
  /** What the kernel has not taken yet. */
  #unsent: Buffer[] = [];

  private constructor(events: WebSocketEvents) {
    this.#events = events;
  }

  /** `headers` end with CRLF each. */
  static connect(
    to: Destination,
    given: { readonly path: string; readonly headers: string; readonly from: string },
    events: WebSocketEvents,
  ): WebSocketClient {
    const client = new WebSocketClient(events);
    client.#request =
      `GET ${given.path} HTTP/1.1\r\nHost: ${to.hostname}:${to.port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
      `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n${given.headers}\r\n`;
    const options: ConnectOptions = { ...to, localAddress: given.from, data: client, socket: handlers };
    Bun.connect(options).catch(() => client.#closed());
    return client;
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  sendText(text: string): void {
    this.#send(opcodes.text, Buffer.from(text));
  }

  /** A close frame and the end of the connection: nobody waits for the answer. */
  close(): void {
    if (this.#isOpen) this.#send(opcodes.close, Buffer.from([0x03, 0xe8]));
    this.#socket?.end();
    this.#closed();
  }

  /** As if the network were gone: the server hears a reset. */
  cut(): void {
    this.#socket?.terminate();
    this.#closed();
  }

  connected(socket: Socket<WebSocketClient>): void {
    this.#socket = socket;
    if (this.#isClosed) socket.end();
    else socket.write(this.#request);
  }

  received(chunk: Buffer): void {
    let data = this.#rest ? Buffer.concat([this.#rest, chunk]) : chunk;
    this.#rest = null;
    if (!this.#isOpen) {
      const end = data.indexOf(endOfHead);
      if (end < 0 || !this.#answered(data, end + endOfHead.length)) return this.#keep(data);
      data = data.subarray(end + endOfHead.length);
    }
    this.#keep(this.#frames(data));
  }

  ended(): void {
    this.#closed();
  }

  #keep(rest: Buffer): void {
    if (rest.length > 0 && !this.#isClosed) this.#rest = Buffer.from(rest);
  }

  /** False: it was refused, or not all of the refusal is there yet. */
  #answered(data: Buffer, bodyAt: number): boolean {
    const head = data.toString("latin1", 0, bodyAt);
    const status = Number(head.slice(9, 12));
    if (status === 101) {
      this.#isOpen = true;
      this.#events.opened();
      return true;
    }
    const length = Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1] ?? 0);
    if (data.length < bodyAt + length) return false;
    this.#events.refused(status, head, data.toString("latin1", bodyAt, bodyAt + length));
    this.close();
    return false;
  }

  /** Returns the beginning of a frame that is not complete. */
  #frames(data: Buffer): Buffer {
    let at = 0;
    while (!this.#isClosed && data.length - at >= 2) {
      const short = data[at + 1]! & 0x7f;
      const head = short < 126 ? 2 : short === 126 ? 4 : 10;
      if (data.length - at < head) break;
      const length =
        short < 126
          ? short
          : short === 126
            ? data.readUInt16BE(at + 2)
            : Number(data.readBigUInt64BE(at + 2));
      if (data.length - at < head + length) break;
      this.#frame(data[at]! & 0x0f, data.subarray(at + head, at + head + length));
      at += head + length;
    }
    return data.subarray(at);
  }

  #frame(opcode: number, payload: Buffer): void {
    if (opcode === opcodes.text) this.#events.text(payload);
    else if (opcode === opcodes.ping) this.#send(opcodes.pong, payload);
    else if (opcode === opcodes.close) this.close();
  }

  #send(opcode: number, payload: Buffer): void {
    if (this.#isClosed) return;
    const extended = payload.length < 126 ? 0 : payload.length < 65_536 ? 2 : 8;
    const frame = Buffer.alloc(6 + extended + payload.length);
    frame[0] = 0x80 | opcode;
    frame[1] = 0x80 | (extended === 0 ? payload.length : extended === 2 ? 126 : 127);
    if (extended === 2) frame.writeUInt16BE(payload.length, 2);
    if (extended === 8) frame.writeBigUInt64BE(BigInt(payload.length), 2);
    frame.set(payload, 6 + extended);
    this.#unsent.push(frame);
    if (this.#unsent.length === 1) this.drained();
  }

  /** Goes on with what the kernel did not take. */
  drained(): void {
    for (let next = this.#unsent[0]; next; next = this.#unsent[0]) {
      const written = Math.max(0, this.#socket?.write(next) ?? 0);
      if (written === next.length) this.#unsent.shift();
      else {
        this.#unsent[0] = next.subarray(written);
        return;
      }
    }
  }

  #closed(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#isOpen = false;
    this.#rest = null;
    this.#unsent = [];
    this.#events.closed();
  }
}

const handlers: Bun.SocketHandler<WebSocketClient> = {
  open: (socket) => socket.data.connected(socket),
  data: (socket, chunk) => socket.data.received(chunk),
  drain: (socket) => socket.data.drained(),
  close: (socket) => socket.data.ended(),
  error: (socket) => socket.data.ended(),
  connectError: (socket) => socket.data.ended(),
};
