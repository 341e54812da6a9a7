import { FrameSocket, type Reply } from "./frame-socket.ts";

/**
 * The habits of the existing mobile client at their heaviest. It never waits for what it was
 * told to wait for and does not look at errors: whatever is refused is noted, as a loss to its user.
 */
export class ExistingClient {
  readonly userId: string;
  readonly refusals: string[] = [];
  /** Requests and frames that were answered. */
  answered = 0;
  readonly #url: string;
  readonly #token: string;
  #socket: FrameSocket | null = null;
  #ref = 0;
  #random = 0;

  constructor(options: { readonly url: string; readonly token: string; readonly userId: string }) {
    this.#url = options.url;
    this.#token = options.token;
    this.userId = options.userId;
  }

  async ask(method: string, path: string, body?: object): Promise<unknown> {
    const response = await fetch(`${this.#url}/messaging/api/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${this.#token}`, "content-type": "application/json" },
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
    const text = await response.text();
    this.answered++;
    if (!response.ok) this.refusals.push(`${method} ${path}: ${response.status} ${text}`);
    return text === "" ? null : JSON.parse(text).data;
  }

  /** A new socket: every topic that was joined before is joined twice within one tick, and the list is read again. */
  async connect(conversationIds: readonly string[]): Promise<void> {
    this.#socket?.close();
    this.#socket = await FrameSocket.open({ url: this.#url, token: this.#token });
    const topics = [`user:${this.userId}`, ...conversationIds.map((id) => `conversation:${id}`)];
    const joins = [...topics, ...topics].map((topic) => {
      const joinRef = String(++this.#ref);
      return this.#noted(topic, this.#socket!.join(topic, joinRef));
    });
    await Promise.all([...joins, this.list()]);
  }

  list(): Promise<unknown> {
    return this.ask("GET", "/conversations");
  }

  /** A page of 50 messages, and for each its reactions and its media, all at once; then each is marked as read, at both doors. */
  async open(conversationId: string): Promise<void> {
    await this.ask("GET", `/conversations/${conversationId}`);
    const page = (await this.ask("GET", `/conversations/${conversationId}/messages?limit=50`)) as {
      id: string;
    }[];
    await Promise.all(
      page.flatMap(({ id }) => [
        this.ask("GET", `/messages/${id}/reactions`),
        this.ask("GET", `/messages/${id}/attachments`),
      ]),
    );
    await Promise.all(
      page.flatMap(({ id: message_id }) => [
        this.push(conversationId, "message_read", { message_id }),
        this.ask("PATCH", `/messages/${message_id}/receipt`, { status: "read" }),
      ]),
    );
  }

  /** Up to 50 pages of 100 messages, for the statistics of a group. */
  async count(conversationId: string): Promise<void> {
    for (let page = 0; page < 50; page++)
      await this.ask("GET", `/conversations/${conversationId}/messages?limit=100`);
  }

  /** As people write: with signs of typing, one each second. The id of the message. */
  async write(conversationId: string, content: string): Promise<string> {
    for (let second = 0; second < 3; second++)
      await this.push(conversationId, "user_typing", { typing: second < 2 });
    return this.send(conversationId, content);
  }

  async send(conversationId: string, content: string, client_random = ++this.#random): Promise<string> {
    const body = { content, message_type: "text", client_random, metadata: {} };
    const sent = (await this.ask("POST", `/conversations/${conversationId}/messages`, body)) as {
      id: string;
    } | null;
    return sent?.id ?? "";
  }

  /** A message, and then the medium that it is about. */
  async sendMedia(conversationId: string): Promise<void> {
    const body = { content: "", message_type: "media", client_random: ++this.#random };
    const sent = (await this.ask("POST", `/conversations/${conversationId}/messages`, body)) as {
      id: string;
    };
    const metadata = { filename: "a.jpg", size: 7, mime_type: "image/jpeg" };
    await this.ask("POST", `/messages/${sent.id}/attachments`, {
      media_id: "m",
      media_type: "image",
      metadata,
    });
  }

  /** What was written without a line, all of it at once, and by both of the client's drainers. */
  async drain(conversationId: string, count: number): Promise<void> {
    const queued = Array.from({ length: count }, () => ++this.#random);
    const drain = (metadata: object) =>
      queued.map((client_random) => {
        const body = { content: `queued ${client_random}`, message_type: "text", client_random, metadata };
        return this.ask("POST", `/conversations/${conversationId}/messages`, body);
      });
    await Promise.all([
      ...drain({}),
      ...drain({ client_message_id: "8c5c8f5e-0000-4000-8000-000000000000" }),
    ]);
  }

  async push(conversationId: string, event: string, payload: object): Promise<void> {
    const topic = `conversation:${conversationId}`;
    await this.#noted(`${topic} ${event}`, this.#socket!.push(topic, null, event, JSON.stringify(payload)));
  }

  close(): void {
    this.#socket?.close();
  }

  async #noted(what: string, reply: Promise<Reply>): Promise<void> {
    const { status, response } = await reply;
    this.answered++;
    if (status !== "ok") this.refusals.push(`${what}: ${JSON.stringify(response)}`);
  }
}
