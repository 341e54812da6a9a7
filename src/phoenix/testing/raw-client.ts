/** A WebSocket that speaks bare v2 frames and remembers what came. For tests. */

export type RawFrame = [
  joinRef: string | number | null,
  ref: string | number | null,
  topic: string,
  event: string,
  payload: unknown,
];

const deadlineMs = 60_000;

/** Resolves once `holds` does; asks again after every turn of the event loop. Rejects after a minute, naming what was waited for. */
export async function eventually(what: string, holds: () => boolean): Promise<void> {
  const endMs = performance.now() + deadlineMs;
  while (!holds()) {
    if (performance.now() > endMs) throw new Error(`waited ${deadlineMs} ms for ${what}`);
    await Bun.sleep(1);
  }
}

export class RawClient {
  readonly frames: RawFrame[] = [];
  closeCode: number | undefined;
  readonly #socket: WebSocket;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.onmessage = (event) => this.frames.push(JSON.parse(String(event.data)));
    socket.onclose = (event) => {
      this.closeCode = event.code;
    };
  }

  static async connect(url: string, token?: string): Promise<RawClient> {
    const query = token === undefined ? "" : `&token=${token}`;
    const client = new RawClient(new WebSocket(`${url}/websocket?vsn=2.0.0${query}`));
    await eventually("the socket to open", () => client.#socket.readyState === WebSocket.OPEN);
    return client;
  }

  send(...frame: RawFrame): void {
    this.#socket.send(JSON.stringify(frame));
  }

  sendBytes(data: string | Uint8Array<ArrayBuffer>): void {
    this.#socket.send(data);
  }

  ping(): void {
    this.#socket.ping();
  }

  /** The frames of one topic in the order of arrival. */
  on(topic: string): RawFrame[] {
    return this.frames.filter((frame) => frame[2] === topic);
  }

  events(topic: string): string[] {
    return this.on(topic).map((frame) => frame[3]);
  }

  async replyTo(ref: string | number): Promise<{ status: string; response: unknown }> {
    const find = () => this.frames.find((frame) => frame[1] === ref && frame[3] === "phx_reply");
    await eventually(`the reply to ${ref}`, () => find() !== undefined);
    return find()?.[4] as { status: string; response: unknown };
  }

  async join(
    topic: string,
    ref: string | number = "1",
    payload: unknown = {},
  ): Promise<{ status: string; response: unknown }> {
    this.send(ref, ref, topic, "phx_join", payload);
    return await this.replyTo(ref);
  }

  /** Everything sent to this socket before has arrived. */
  async settle(): Promise<void> {
    const ref = `settle-${this.frames.length}`;
    this.send(null, ref, "phoenix", "heartbeat", {});
    await this.replyTo(ref);
  }

  async closed(): Promise<number> {
    await eventually("the socket to close", () => this.closeCode !== undefined);
    return this.closeCode ?? 0;
  }

  close(): void {
    this.#socket.close();
  }
}
