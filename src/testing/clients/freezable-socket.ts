import { connect, type Socket } from "node:net";
import { FrameTruth } from "../truth/frame-truth.ts";
import { note } from "../truth/noted.ts";

const opcodes = { text: 1, close: 8, ping: 9, pong: 10 } as const;

/**
 * A WebSocket on a bare TCP socket, as a transport for the stock client: it can be frozen, as a suspended process is. Then it reads nothing,
 * answers no ping and sends nothing; the kernel still takes what fits its buffers.
 */
export class FreezableSocket {
  binaryType = "arraybuffer";
  timeout = 0;
  readyState = 0;
  readonly bufferedAmount = 0;
  onopen: () => void = () => {};
  onerror: (error: unknown) => void = () => {};
  onmessage: (event: { readonly data: string }) => void = () => {};
  onclose: (event: { readonly code: number; readonly wasClean: boolean }) => void = () => {};
  /** A ping was answered. */
  onponged: () => void = () => {};
  readonly #socket: Socket;
  readonly #truth = new FrameTruth();
  #bytes: Buffer = Buffer.alloc(0);
  #closeCode = 1006;
  #isFrozen = false;

  constructor(address: string) {
    const { hostname, port, pathname, search } = new URL(address);
    this.#socket = connect(Number(port), hostname);
    this.#socket.on("connect", () => this.#socket.write(upgradeRequest(pathname + search)));
    this.#socket.on("data", (bytes: Buffer) => this.#read(bytes));
    this.#socket.on("error", (error) => this.onerror(error));
    this.#socket.on("close", () => this.#ended());
  }

  send(data: string): void {
    if (this.#isFrozen) return;
    this.#truth.sent(data);
    this.#write(opcodes.text, Buffer.from(data));
  }

  close(): void {
    if (this.readyState > 1) return;
    this.readyState = 2;
    if (!this.#isFrozen) this.#write(opcodes.close, Buffer.from([0x03, 0xe8]));
    this.#socket.end();
    if (this.#isFrozen) this.#socket.destroy();
  }

  freeze(): void {
    this.#isFrozen = true;
    this.#socket.pause();
  }

  thaw(): void {
    this.#isFrozen = false;
    this.#socket.resume();
  }

  /** The connection is cut, as when the network is gone. */
  cut(): void {
    this.#socket.destroy();
  }

  #ended(): void {
    if (this.readyState === 3) return;
    this.readyState = 3;
    this.onclose({ code: this.#closeCode, wasClean: this.#closeCode !== 1006 });
  }

  /** With an all-zero mask. */
  #write(opcode: number, body: Buffer): void {
    this.#socket.write(Buffer.concat([header(opcode, body.length), body]));
  }

  #read(bytes: Buffer): void {
    this.#bytes = this.#bytes.length === 0 ? bytes : Buffer.concat([this.#bytes, bytes]);
    if (this.readyState === 0 && !this.#readUpgrade()) return;
    while (!this.#isFrozen && this.#readFrame());
  }

  #readUpgrade(): boolean {
    const end = this.#bytes.indexOf("\r\n\r\n");
    if (end < 0) return false;
    const isOpen = this.#bytes.subarray(0, 12).toString() === "HTTP/1.1 101";
    this.#bytes = this.#bytes.subarray(end + 4);
    if (!isOpen) this.#socket.destroy();
    else {
      this.readyState = 1;
      this.onopen();
    }
    return isOpen;
  }

  /** False: no whole frame is there. */
  #readFrame(): boolean {
    const bytes = this.#bytes;
    const short = bytes[1] ?? 0;
    const start = short < 126 ? 2 : short === 126 ? 4 : 10;
    if (bytes.length < start) return false;
    const length =
      short < 126 ? short : short === 126 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
    if (bytes.length < start + length) return false;
    this.#bytes = bytes.subarray(start + length);
    this.#take((bytes[0] ?? 0) & 0x0f, bytes.subarray(start, start + length));
    return true;
  }

  #hear(data: string): void {
    note(this.#truth.problem(data));
    this.onmessage({ data });
  }

  #take(opcode: number, body: Buffer): void {
    switch (opcode) {
      case opcodes.text:
        return this.#hear(body.toString());
      case opcodes.ping:
        this.#write(opcodes.pong, body);
        return this.onponged();
      case opcodes.close:
        this.#closeCode = body.length >= 2 ? body.readUInt16BE(0) : 1005;
        this.#socket.end();
    }
  }
}

function upgradeRequest(path: string): string {
  return (
    `GET ${path} HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: websocket\r\n` +
    "sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
  );
}

function header(opcode: number, length: number): Buffer {
  const first = 0x80 | opcode;
  if (length < 126) return Buffer.from([first, 0x80 | length, 0, 0, 0, 0]);
  const long = Buffer.alloc(8);
  long.writeUInt8(first, 0);
  long.writeUInt8(0x80 | 126, 1);
  long.writeUInt16BE(length, 2);
  return long;
}
