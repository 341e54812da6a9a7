import { type Channel, Socket } from "phoenix";
import { eventually } from "../eventually.ts";
import { DeviceProofs } from "./device-proofs.ts";
import type { DeviceOptions, Heard, JoinReply, KeptMessage } from "./device-types.ts";
import { FreezableSocket } from "./freezable-socket.ts";
import { answer } from "./push-answer.ts";
import type { RestClient } from "./rest-client.ts";

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
  /** Until it has caught up, it says at each join of the user's topic what it has. */
  #saysCursors = false;
  generation: number | null = null;
  /** The reply to the last join of the user's topic. */
  joined: JoinReply | null = null;
  caughtUp = 0;
  /** Unchanged messages that came again though the pong after them had arrived before the socket ended. */
  provedAgain = 0;
  #transport: FreezableSocket | null = null;
  #onThisSocket = new Set<string>();
  readonly #proofs = new DeviceProofs();
  /** The last message that came on the user's topic, by conversation. */
  readonly #reached = new Map<string, number>();
  readonly #isComplete: boolean;

  constructor(options: DeviceOptions) {
    this.userId = options.userId;
    this.#remembers = options.remembers ?? true;
    this.#isComplete = options.isComplete ?? false;
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
    await eventually("a device to prove what it has", () => this.#proofs.isComplete);
  }

  /** Ends the socket; what was received stays. */
  async disconnect(): Promise<void> {
    const isOpen = this.#transport?.readyState === 1;
    this.socket.disconnect();
    if (isOpen) this.#proofs.prove();
    await eventually("a socket to end", () => this.#transport === null || this.#transport.readyState === 3);
  }

  /** The connection is lost, perhaps with the last pong; the client comes back by itself. */
  cut(): void {
    this.#transport?.cut();
    this.#proofs.cut();
  }

  freeze(): void {
    this.#transport?.freeze();
  }

  thaw(): void {
    this.#transport?.thaw();
  }

  sayCursors(): void {
    this.#saysCursors = true;
  }

  /** As a device that was restored from weeks ago: what came later is forgotten, and it says so at its joins. */
  goBack(keep: (conversationId: string, headSeq: number) => number): void {
    this.sayCursors();
    for (const [conversationId, messages] of this.log) {
      const kept = keep(conversationId, this.#reached.get(conversationId) ?? 0);
      for (const seq of messages.keys()) if (seq > kept) messages.delete(seq);
      this.#reached.set(conversationId, kept);
    }
    this.forgetProofs();
  }

  /** Reads a conversation afresh, as a device must that cannot resume. */
  async readAfresh(conversationId: string, rest: RestClient): Promise<void> {
    const log = (await rest.history(conversationId)) as unknown as KeptMessage[];
    this.log.set(conversationId, new Map(log.map((message) => [message.seq, message])));
    this.#reached.set(conversationId, log.length);
    this.forgetProofs();
  }

  /** The server that was told is gone. A frozen device may find that out later. */
  serverKilled(): void {
    this.#proofs.serverKilled();
  }

  forgetProofs(): void {
    this.#proofs.forget();
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

  /** For the message of a test that fails. */
  describe(): string {
    const { state } = this.userChannel;
    const transport = this.#transport?.readyState;
    const { caughtUp, violations } = this;
    return JSON.stringify({ state, socket: this.socket.connectionState(), transport, caughtUp, violations });
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
    transport.onponged = () => this.#proofs.sentPong();
  }

  #opened(): void {
    this.#onThisSocket = new Set();
    this.#proofs.opened();
  }

  #word(): object {
    return {
      ...(this.#saysCursors ? { cursors: Object.fromEntries(this.#reached) } : {}),
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
    if (event === "caught_up") this.#isCaughtUp();
    if (event === "new_message") this.#keep(topic, payload.message as KeptMessage);
    if (event === "message_updated") this.#keep(topic, payload.message as KeptMessage);
    if (event === "message_deleted") this.#keep(topic, payload.message as KeptMessage);
    if (event === "pending_messages") this.#keepAll(topic, payload.messages as KeptMessage[]);
  }

  #isCaughtUp(): void {
    this.caughtUp++;
    this.#saysCursors = false;
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
    if (topic === this.userChannel.topic) this.#noteReached(key, message);
    if (!known || known.rev < rev) messages.set(seq, message);
  }

  #noteReached(key: string, message: KeptMessage): void {
    const { conversation_id: conversationId, seq } = message;
    if (this.#proofs.has(key) && !hasChanged(message)) this.provedAgain++;
    this.#proofs.received(key);
    const reached = this.#reached.get(conversationId) ?? 0;
    if (this.#isComplete && seq > reached + 1) this.violations.push(`a hole after ${reached}: ${key}`);
    this.#reached.set(conversationId, Math.max(reached, seq));
  }

  #noteTwice(topic: string, key: string): void {
    const once = `${topic} ${key}`;
    if (this.#onThisSocket.has(once)) this.violations.push(`twice on one socket: ${once}`);
    this.#onThisSocket.add(once);
  }
}

/** Such a message comes as it is now in the page of its creation, and again in the page of its change. */
function hasChanged({ edited_at, is_deleted }: KeptMessage): boolean {
  return edited_at !== null || is_deleted;
}
