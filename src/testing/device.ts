import { type Channel, Socket } from "phoenix";
import { eventually } from "./eventually.ts";
import { FreezableSocket } from "./freezable-socket.ts";

export interface KeptMessage {
  readonly id: string;
  readonly conversation_id: string;
  readonly seq: number;
  readonly rev: number;
  readonly sender_id: string;
  readonly content: string;
  readonly status?: string;
  readonly is_deleted: boolean;
}

/** What came on a topic. */
export interface Heard {
  readonly topic: string;
  readonly event: string;
  readonly payload: Readonly<Record<string, unknown>>;
  readonly atMs: number;
}

export type JoinReply = Readonly<Record<string, unknown>>;

export interface DeviceOptions {
  readonly url: string;
  readonly token: string;
  readonly userId: string;
  /** Keeps whatever comes in `heard`; else only the messages. */
  readonly remembers?: boolean;
}

/**
 * One device with the unmodified npm `phoenix` client, over a socket that can be frozen. Keeps messages by (conversation, seq), as the
 * contract tells it to, and in words what must not happen: the same thing twice on one topic of a socket, a hole, another message under
 * a seq.
 */
export class Device {
  readonly userId: string;
  readonly log = new Map<string, Map<number, KeptMessage>>();
  readonly heard: Heard[] = [];
  readonly violations: string[] = [];
  readonly socket: Socket;
  readonly userChannel: Channel;
  readonly #conversations = new Map<string, Channel>();
  readonly #remembers: boolean;
  /** Brought by every join of the user's topic. */
  cursors: Readonly<Record<string, number>> | null = null;
  generation: number | null = null;
  /** The reply to the last join of the user's topic. */
  joined: JoinReply | null = null;
  caughtUp = 0;
  /** How often a message came that was kept already, as it was. */
  again = 0;
  /** Messages that came again though the pong after them had arrived before the socket ended. */
  provedAgain = 0;
  #transport: FreezableSocket | null = null;
  #onThisSocket = new Set<string>();
  /** What came since the last pong, and what came before one. */
  #unproved: string[] = [];
  readonly #proved = new Set<string>();

  constructor(options: DeviceOptions) {
    this.userId = options.userId;
    this.#remembers = options.remembers ?? true;
    this.socket = new Socket(`${options.url.replace("http", "ws")}/socket`, {
      params: { token: options.token },
      transport: this.#transportClass(),
      reconnectAfterMs: () => 50,
      rejoinAfterMs: () => 50,
    });
    this.socket.onOpen(() => this.#opened());
    this.userChannel = this.socket.channel(`user:${options.userId}`, () => this.#word());
    this.#listen(this.userChannel);
  }

  /** Resolves when the user's topic is joined and everything missed has come. */
  async connect(): Promise<JoinReply> {
    const before = this.caughtUp;
    const reply = await this.join();
    await eventually("a device to catch up", () => this.caughtUp > before);
    return reply;
  }

  /** Joins the user's topic, for the first time or again. */
  async join(): Promise<JoinReply> {
    this.joined = null;
    this.socket.connect();
    if (this.userChannel.state === "closed") {
      this.userChannel.join().receive("ok", (reply: JoinReply) => {
        this.joined = reply;
      });
    }
    await eventually("a device to join", () => this.joined !== null);
    return this.joined!;
  }

  /** A socket without the user's topic. */
  async open(): Promise<void> {
    this.socket.connect();
    await eventually("a socket to open", () => this.socket.isConnected());
  }

  async openConversation(conversationId: string, cursor: object | (() => object) = {}): Promise<JoinReply> {
    const channel = this.socket.channel(`conversation:${conversationId}`, cursor);
    this.#conversations.set(conversationId, channel);
    this.#listen(channel);
    return await answer(channel.join());
  }

  conversation(conversationId: string): Channel {
    const channel = this.#conversations.get(conversationId);
    if (!channel) throw new Error("the conversation is not open");
    return channel;
  }

  /** Resolves with the reply's payload, rejects with a refusal. */
  ask(conversationId: string, event: string, payload: object): Promise<JoinReply> {
    return answer(this.conversation(conversationId).push(event, payload));
  }

  async send(conversationId: string, content: string): Promise<KeptMessage> {
    const { message } = await this.ask(conversationId, "new_message", { content });
    return message as KeptMessage;
  }

  askUser(event: string, payload: object): Promise<JoinReply> {
    return answer(this.userChannel.push(event, payload));
  }

  /** Resolves when whatever came is proved: a pong answered a ping that came after it. */
  async proves(): Promise<void> {
    await eventually("a device to prove what it has", () => this.#unproved.length === 0);
  }

  /** Ends the socket; what was received stays. */
  async disconnect(): Promise<void> {
    this.socket.disconnect();
    await eventually("a socket to end", () => this.#transport === null || this.#transport.readyState === 3);
  }

  /** The connection is lost; the client comes back by itself. */
  cut(): void {
    this.#transport?.cut();
  }

  freeze(): void {
    this.#transport?.freeze();
  }

  thaw(): void {
    this.#transport?.thaw();
  }

  /** As a device that was restored from weeks ago: what came later is forgotten, and it says so at its next join. */
  goBack(keep: (conversationId: string, headSeq: number) => number): void {
    const cursors: Record<string, number> = {};
    for (const [conversationId, messages] of this.log) {
      const kept = keep(conversationId, Math.max(...messages.keys()));
      for (const seq of messages.keys()) if (seq > kept) messages.delete(seq);
      cursors[conversationId] = kept;
    }
    this.cursors = cursors;
    this.#proved.clear();
    this.#unproved = [];
  }

  /** In order of seq. */
  messages(conversationId: string): KeptMessage[] {
    return [...(this.log.get(conversationId)?.values() ?? [])].sort((one, other) => one.seq - other.seq);
  }

  contents(conversationId: string): string[] {
    return this.messages(conversationId).map(({ content }) => content);
  }

  events(event: string, topic = this.userChannel.topic): Heard[] {
    return this.heard.filter((heard) => heard.event === event && heard.topic === topic);
  }

  /** The names of what came on the user's topic, in order. */
  get userEvents(): string[] {
    return this.heard.filter(({ topic }) => topic === this.userChannel.topic).map(({ event }) => event);
  }

  async hears(event: string, topic = this.userChannel.topic, times = 1): Promise<Heard> {
    await eventually(`${event} on ${topic}`, () => this.events(event, topic).length >= times);
    return this.events(event, topic)[times - 1]!;
  }

  async keeps(conversationId: string, count: number): Promise<void> {
    await eventually(
      `${count} messages on a device`,
      () => (this.log.get(conversationId)?.size ?? 0) >= count,
    );
  }

  #transportClass() {
    const opened = (transport: FreezableSocket) => this.#use(transport);
    return class extends FreezableSocket {
      constructor(address: string) {
        super(address);
        opened(this);
      }
    };
  }

  #use(transport: FreezableSocket): void {
    this.#transport = transport;
    transport.onponged = () => this.#ponged();
  }

  #opened(): void {
    this.#onThisSocket = new Set();
    this.#unproved = [];
  }

  #ponged(): void {
    for (const key of this.#unproved) this.#proved.add(key);
    this.#unproved = [];
  }

  #word(): object {
    return {
      ...(this.cursors ? { cursors: this.cursors } : {}),
      ...(this.generation === null ? {} : { generation: this.generation }),
    };
  }

  /** `onMessage` is the stock client's hook for everything that comes on a channel. */
  #listen(channel: Channel): void {
    channel.onMessage = (event: string | null, payload: Record<string, unknown>) => {
      this.#hear(channel.topic, event, payload);
      return payload;
    };
  }

  #hear(topic: string, event: string | null, payload: Record<string, unknown>): void {
    if (event === null || event.startsWith("chan_reply")) return;
    if (event === "phx_reply") return this.#replied(topic, payload);
    if (this.#remembers) this.heard.push({ topic, event, payload, atMs: performance.now() });
    if (event === "caught_up") this.caughtUp++;
    if (event === "new_message") this.#keep(topic, payload.message as KeptMessage);
    if (event === "message_updated") this.#keep(topic, payload.message as KeptMessage);
    if (event === "message_deleted") this.#keep(topic, payload.message as KeptMessage);
    if (event === "pending_messages") this.#keepAll(topic, payload.messages as KeptMessage[]);
  }

  /** A re-join that the client makes by itself is answered here too. */
  #replied(topic: string, payload: Record<string, unknown>): void {
    if (topic !== this.userChannel.topic || payload.status !== "ok") return;
    const response = payload.response as JoinReply;
    if ("generation" in response && "resumed" in response) this.joined = response;
  }

  #keepAll(topic: string, messages: readonly KeptMessage[]): void {
    for (const message of messages) this.#keep(topic, message);
  }

  #keep(topic: string, message: KeptMessage): void {
    const { conversation_id: conversationId, seq, rev, id } = message;
    const key = `${conversationId} ${seq} ${rev}`;
    this.#noteTwice(topic, key);
    const messages = this.log.get(conversationId) ?? new Map<number, KeptMessage>();
    this.log.set(conversationId, messages);
    const known = messages.get(seq);
    if (known && known.id !== id) this.violations.push(`another message under ${key}`);
    if (topic === this.userChannel.topic) {
      if (known && known.rev === rev) this.again++;
      if (this.#proved.has(key)) this.provedAgain++;
      this.#unproved.push(key);
    }
    if (!known || known.rev < rev) messages.set(seq, message);
  }

  #noteTwice(topic: string, key: string): void {
    const once = `${topic} ${key}`;
    if (this.#onThisSocket.has(once)) this.violations.push(`twice on one socket: ${once}`);
    this.#onThisSocket.add(once);
  }
}

function answer(push: {
  receive(status: string, then: (reply: JoinReply) => void): unknown;
}): Promise<JoinReply> {
  return new Promise((resolve, reject) => {
    push.receive("ok", resolve);
    push.receive("error", (refusal) => reject(new Error(JSON.stringify(refusal))));
    push.receive("timeout", () => reject(new Error("no answer")));
  });
}
