/**
 * A WebSocket client on a bare TCP socket, for what no WebSocket class lets a test do: answer pings by hand, or not at
 * all, stop reading, and see pings and frames in the order in which they came. For tests.
 */
import { connect, type Socket } from "node:net";
import { eventually, type RawFrame } from "./raw-client.ts";

/** What came, in order: `["text", frame]`, `["ping", payload]`, `["close", code]`. */
export type Arrived =
  | readonly ["text", RawFrame]
  | readonly ["ping", string]
  | readonly ["pong", string]
  | readonly ["close", number];

const opcodes = { text: 1, close: 8, ping: 9, pong: 10 } as const;

export class BareClient {
  readonly arrived: Arrived[] = [];
  readonly #socket: Socket;
  #bytes = Buffer.alloc(0);
  #upgraded = false;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("error", () => {});
    socket.on("data", (bytes: Buffer) => this.#read(bytes));
  }

  static async connect(port: number): Promise<BareClient> {
    const client = new BareClient(connect(port, "127.0.0.1"));
    client.#socket.write(
      "GET /socket/websocket HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n" +
        "sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    );
    await eventually("the upgrade", () => client.#upgraded);
    return client;
  }

  send(...frame: RawFrame): void {
    this.#write(opcodes.text, JSON.stringify(frame));
  }

  async join(topic: string, ref = "1"): Promise<void> {
    this.send(ref, ref, topic, "phx_join", {});
    await this.replyTo(ref);
  }

  async replyTo(ref: string): Promise<void> {
    const isReply = (frame: RawFrame) => frame[1] === ref && frame[3] === "phx_reply";
    await eventually(`the reply to ${ref}`, () => this.frames.some(isReply));
  }

  pong(payload: string): void {
    this.#write(opcodes.pong, payload);
  }

  /** Everything sent to this socket before has arrived, and what this client sent is received. */
  async settle(): Promise<void> {
    const ref = `settle-${this.arrived.length}`;
    this.send(null, ref, "phoenix", "heartbeat", {});
    await this.replyTo(ref);
  }

  get frames(): RawFrame[] {
    return this.arrived.flatMap(([kind, what]) => (kind === "text" ? [what] : []));
  }

  get pings(): string[] {
    return this.arrived.flatMap(([kind, what]) => (kind === "ping" ? [what] : []));
  }

  async ping(nth: number): Promise<string> {
    await eventually(`ping ${nth}`, () => this.pings.length >= nth);
    return this.pings[nth - 1] ?? "";
  }

  /** Reads nothing until `thaw`; the kernel still takes what fits its buffers. */
  freeze(): void {
    this.#socket.pause();
  }

  thaw(): void {
    this.#socket.resume();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  /** With an all-zero mask. */
  #write(opcode: number, text: string): void {
    const body = Buffer.from(text);
    if (body.length > 125) throw new Error("a test's frame of more than 125 bytes");
    this.#socket.write(Buffer.concat([Buffer.from([0x80 | opcode, 0x80 | body.length, 0, 0, 0, 0]), body]));
  }

  #read(bytes: Buffer): void {
    this.#bytes = Buffer.concat([this.#bytes, bytes]);
    if (!this.#upgraded && !this.#readUpgrade()) return;
    while (this.#readFrame());
  }

  #readUpgrade(): boolean {
    const end = this.#bytes.indexOf("\r\n\r\n");
    if (end < 0) return false;
    this.#bytes = this.#bytes.subarray(end + 4);
    this.#upgraded = true;
    return true;
  }

  /** False: no whole frame is there. */
  #readFrame(): boolean {
    const bytes = this.#bytes;
    const opcode = (bytes[0] ?? 0) & 0x0f;
    const short = bytes[1] ?? 0;
    const header = short < 126 ? 2 : short === 126 ? 4 : 10;
    if (bytes.length < header) return false;
    const length =
      header === 2 ? short : header === 4 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
    if (bytes.length < header + length) return false;
    this.#note(opcode, bytes.subarray(header, header + length));
    this.#bytes = bytes.subarray(header + length);
    return true;
  }

  #note(opcode: number, body: Buffer): void {
    if (opcode === opcodes.text) this.arrived.push(["text", JSON.parse(body.toString())]);
    if (opcode === opcodes.ping) this.arrived.push(["ping", body.toString()]);
    if (opcode === opcodes.pong) this.arrived.push(["pong", body.toString()]);
    if (opcode === opcodes.close) this.arrived.push(["close", body.readUInt16BE(0)]);
  }
}
