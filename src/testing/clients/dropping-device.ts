import { eventually } from "../eventually.ts";
import { FrameSocket, type HeardFrame } from "./frame-socket.ts";
import type { SeenMessage } from "./stock-client.ts";

/**
 * A device that drops what comes on a topic from the moment it asks to join that topic again, or leaves it, until the server's answer: its
 * old handlers are gone, and its new ones are not there yet. Keeps messages by seq, of one conversation.
 */
export class DroppingDevice {
  readonly kept = new Map<number, SeenMessage>();
  /** What must not happen, in words. */
  readonly violations: string[] = [];
  readonly #open: () => Promise<FrameSocket>;
  readonly #topics: { readonly user: string; readonly conversation: string };
  #socket: FrameSocket | null = null;
  /** By topic, the join_ref under which it listens; absent: it drops what comes. */
  readonly #listening = new Map<string, string>();
  /** By topic, the newest join_ref. */
  readonly #asked = new Map<string, string>();
  #nextJoinRef = 1;
  #caughtUp = 0;

  constructor(options: {
    readonly url: string;
    readonly token: string;
    readonly userId: string;
    readonly conversationId: string;
  }) {
    const { url, token, userId, conversationId } = options;
    this.#open = () => FrameSocket.open({ url, token });
    this.#topics = { user: `user:${userId}`, conversation: `conversation:${conversationId}` };
  }

  get keptSeq(): number {
    return Math.max(0, ...this.kept.keys());
  }

  get contents(): string[] {
    return [...this.kept.values()].sort((one, other) => one.seq - other.seq).map(({ content }) => content);
  }

  /** A new socket on its user's topic, with everything that was missed. */
  async catchUp(): Promise<void> {
    await this.connect();
    const before = this.#caughtUp;
    this.join("user");
    await eventually("the device to catch up", () => this.#caughtUp > before, 30_000);
  }

  /** A new socket without topics. */
  async connect(): Promise<void> {
    this.cut();
    const socket = await this.#open();
    socket.onFrame = (frame) => this.#socket === socket && this.#heard(frame);
    this.#socket = socket;
  }

  /** The socket ends; nothing that is on its way arrives. */
  cut(): void {
    this.#socket?.close();
    this.#socket = null;
    this.#listening.clear();
    this.#asked.clear();
  }

  /** Joins for the first time or again; does not wait for the answer. */
  join(which: "user" | "conversation"): void {
    const socket = this.#socket;
    if (!socket?.isOpen) return;
    const topic = this.#topics[which];
    const joinRef = String(this.#nextJoinRef++);
    this.#listening.delete(topic);
    this.#asked.set(topic, joinRef);
    void socket.join(topic, joinRef).then(({ status }) => {
      const isCurrent = this.#socket === socket && this.#asked.get(topic) === joinRef;
      if (isCurrent && status === "ok") this.#listening.set(topic, joinRef);
    });
  }

  leave(which: "user" | "conversation"): void {
    const topic = this.#topics[which];
    const joinRef = this.#asked.get(topic);
    this.#listening.delete(topic);
    this.#asked.delete(topic);
    if (joinRef && this.#socket?.isOpen) void this.#socket.push(topic, joinRef, "phx_leave", "{}");
  }

  #heard({ topic, event, payload }: HeardFrame): void {
    if (!this.#listening.has(topic)) return;
    if (event === "caught_up") this.#caughtUp++;
    if (event === "new_message") this.#keep((payload as { message: SeenMessage }).message);
    if (event !== "pending_messages") return;
    for (const message of (payload as { messages: SeenMessage[] }).messages) this.#keep(message);
  }

  #keep(message: SeenMessage): void {
    const known = this.kept.get(message.seq);
    if (known && known.id !== message.id) this.violations.push(`two messages under seq ${message.seq}`);
    this.kept.set(message.seq, message);
  }
}
