import { type Channel, Socket } from "phoenix";

export interface SeenMessage {
  readonly id: string;
  readonly seq: number;
  readonly content: string;
}

interface Sending {
  readonly content: string;
  readonly clientRandom: number;
}

/**
 * One device of one user with the unmodified npm `phoenix` client: keeps `inFlight` messages unacknowledged, sends each again under its
 * `client_random` until it is acknowledged, and remembers what it heard. Survives whatever happens to the server, as the same objects.
 */
export class StockClient {
  readonly userId: string;
  readonly acknowledged = new Map<string, SeenMessage>();
  /** What the stream told, in the order in which it came, per topic. */
  readonly heard: SeenMessage[] = [];
  readonly heardAsUser: SeenMessage[] = [];
  readonly refusals = new Map<string, number>();
  readonly socket: Socket;
  readonly channel: Channel;
  readonly userChannel: Channel;
  readonly #pushTimeoutMs: number;
  #unacknowledged = 0;
  #next = 0;
  #inFlight = 0;
  #running = false;
  #whenSettled: (() => void) | null = null;

  constructor(options: {
    readonly url: string;
    readonly token: string;
    readonly userId: string;
    readonly conversationId: string;
    readonly pushTimeoutMs?: number;
  }) {
    this.userId = options.userId;
    this.#pushTimeoutMs = options.pushTimeoutMs ?? 1_500;
    this.socket = new Socket(`${options.url.replace("http", "ws")}/socket`, {
      params: { token: options.token },
      transport: WebSocket as never,
    });
    this.channel = this.socket.channel(`conversation:${options.conversationId}`, {});
    this.userChannel = this.socket.channel(`user:${options.userId}`, {});
    this.channel.on("new_message", ({ message }) => void this.heard.push(message));
    this.userChannel.on("new_message", ({ message }) => void this.heardAsUser.push(message));
  }

  get unacknowledged(): number {
    return this.#unacknowledged;
  }

  /** Resolves when both topics are joined for the first time. */
  async connect(): Promise<void> {
    this.socket.connect();
    await Promise.all([joined(this.channel), joined(this.userChannel)]);
  }

  /** Begins to send, `inFlight` at a time, until `settle`. */
  start(inFlight: number): void {
    this.#inFlight = inFlight;
    this.#running = true;
    this.#refill();
  }

  /** Sends nothing new; resolves when everything sent is acknowledged. */
  settle(): Promise<void> {
    this.#running = false;
    if (this.#unacknowledged === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#whenSettled = resolve;
    });
  }

  close(): void {
    this.socket.disconnect();
  }

  #refill(): void {
    while (this.#running && this.#unacknowledged < this.#inFlight) {
      const clientRandom = this.#next++;
      this.#unacknowledged++;
      this.#send({ clientRandom, content: `${this.userId} ${clientRandom}` });
    }
  }

  #send(sending: Sending): void {
    this.channel
      .push(
        "new_message",
        { content: sending.content, client_random: sending.clientRandom },
        this.#pushTimeoutMs,
      )
      .receive("ok", ({ message }) => this.#acknowledge(message))
      .receive("error", ({ reason }) => this.#refused(sending, reason))
      .receive("timeout", () => this.#send(sending));
  }

  #acknowledge(message: SeenMessage): void {
    if (this.acknowledged.has(message.content)) return;
    this.acknowledged.set(message.content, message);
    this.#unacknowledged--;
    if (this.#unacknowledged === 0) this.#whenSettled?.();
    this.#refill();
  }

  #refused(sending: Sending, reason: string): void {
    this.refusals.set(reason, (this.refusals.get(reason) ?? 0) + 1);
    setTimeout(() => this.#send(sending), 50);
  }
}

function joined(channel: Channel): Promise<void> {
  return new Promise((resolve, reject) => {
    channel
      .join()
      .receive("ok", () => resolve())
      .receive("error", (response) => reject(new Error(JSON.stringify(response))));
  });
}
