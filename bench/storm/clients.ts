import type { ClientReport, FromClients, ToClients } from "./messages.ts";
import { StockClient, type StockClientEvents } from "./stock-client.ts";

/** A process of the storm: many stock clients, told by the bench what to do. */

const tickMs = 5;

/** Plain numbers, since the last reset. */
class Counts {
  returnedAtMs: number[] = [];
  refusedHandshakes: Record<string, number> = {};
  retryAfter: Record<string, number> = {};
  failedConnections = 0;
  refusedJoins: Record<string, number> = {};
  timedOutJoins = 0;
}

interface Sent {
  readonly atMs: number;
  acknowledgedAtMs: number | null;
  deliveredAtMs: number | null;
}

class Clients implements StockClientEvents {
  readonly #clients: StockClient[] = [];
  readonly #unanswered = new Map<string, Sent>();
  #sent: Sent[] = [];
  #counts = new Counts();
  #returned = 0;
  #next = 0;

  returned(): void {
    this.#counts.returnedAtMs.push(now());
    if (++this.#returned === this.#clients.length) tell({ type: "all_returned" });
  }

  lost(): void {
    this.#returned--;
  }

  handshakeRefused(reason: string, retryAfterSeconds: number | null): void {
    count(this.#counts.refusedHandshakes, reason);
    count(this.#counts.retryAfter, String(retryAfterSeconds));
  }

  connectionFailed(): void {
    this.#counts.failedConnections++;
  }

  joinRefused(reason: string): void {
    count(this.#counts.refusedJoins, reason);
  }

  joinTimedOut(): void {
    this.#counts.timedOutJoins++;
  }

  reply({ person }: StockClient, ref: string, status: string): void {
    const sent = this.#unanswered.get(`${person.userId} ${ref}`);
    if (sent && status === "ok") sent.acknowledgedAtMs ??= now();
    else if (sent) count(this.#counts.refusedJoins, `message ${status}`);
    this.#unanswered.delete(`${person.userId} ${ref}`);
  }

  /** A message says who sent it and its place among those that this process sent. */
  message({ person }: StockClient, content: string): void {
    const [senderId, index] = content.split(" ");
    const sent = this.#sent[Number(index)];
    if (senderId !== person.userId && sent) sent.deliveredAtMs ??= now();
  }

  async handle(order: ToClients): Promise<void> {
    switch (order.type) {
      case "start":
        return this.#start(order);
      case "reset":
        this.#counts = new Counts();
        this.#sent = [];
        return this.#unanswered.clear();
      case "cut":
        for (const client of this.#clients) client.cut();
        return;
      case "report":
        return tell({ type: "report", report: this.#report() });
    }
  }

  async #start({ to, people, perSecond, messagesPerSecond }: ToClients & { type: "start" }): Promise<void> {
    this.#clients.push(...people.map((person) => new StockClient(person, to, this)));
    const beganMs = now();
    for (let begun = 0; begun < people.length; await Bun.sleep(tickMs)) {
      const due = Math.min(people.length, Math.ceil(((now() - beganMs) * perSecond) / 1_000));
      for (; begun < due; begun++) this.#clients[begun]!.connect();
    }
    if (messagesPerSecond > 0) this.#send(messagesPerSecond);
  }

  /** An open loop: what is due is sent, by everyone in turn who is connected; what nobody could send is left out. */
  #send(perSecond: number): void {
    let sentUntilMs = now();
    setInterval(() => {
      const due = Math.floor(((now() - sentUntilMs) * perSecond) / 1_000);
      sentUntilMs += (due * 1_000) / perSecond;
      for (let each = 0; each < due; each++) this.#sendOne();
    }, tickMs);
  }

  #sendOne(): void {
    const client = this.#clients[this.#next++ % this.#clients.length]!;
    if (!client.hasReturned) return;
    const { userId } = client.person;
    const content = `${userId} ${this.#sent.length} ${padding}`;
    const sent: Sent = { atMs: now(), acknowledgedAtMs: null, deliveredAtMs: null };
    this.#sent.push(sent);
    const random = Math.floor(Math.random() * 2 ** 32);
    const ref = client.push(1, "new_message", `{"content":"${content}","client_random":${random}}`);
    this.#unanswered.set(`${userId} ${ref}`, sent);
  }

  #report(): ClientReport {
    const since = (atMs: number, laterMs: number | null) => (laterMs === null ? null : laterMs - atMs);
    const sent = this.#sent.map(
      ({ atMs, acknowledgedAtMs, deliveredAtMs }) =>
        [atMs, since(atMs, acknowledgedAtMs), since(atMs, deliveredAtMs)] as const,
    );
    return { ...this.#counts, sent };
  }
}

const padding = "x".repeat(200);

function now(): number {
  return performance.timeOrigin + performance.now();
}

function count(of: Record<string, number>, name: string): void {
  of[name] = (of[name] ?? 0) + 1;
}

function tell(message: FromClients): void {
  process.send?.(message);
}

const clients = new Clients();
process.on("message", (order: ToClients) => void clients.handle(order));
process.on("disconnect", () => process.exit());
