import { type Refusal, refusalOf } from "./refused.ts";
import type { Message } from "./wire.ts";

/** A message that the server has not stored yet, as far as we know. */
export interface Unsent {
  /** Makes the send repeatable: whatever happened to the answer, it goes again under the same number and is stored once. */
  readonly clientRandom: number;
  readonly content: string;
  readonly replyToId: string | null;
  readonly writtenAt: string;
  readonly state: "waiting" | "sending" | "refused";
  readonly refusal: Refusal | null;
  /** When it goes again by itself. */
  readonly retryAtMs: number | null;
}

/** The way to the server: a push on the conversation's channel. */
export interface Sender {
  readonly canSend: () => boolean;
  readonly push: (
    payload: object,
    told: {
      readonly ok: (message: Message) => void;
      readonly error: (told: object) => void;
      readonly timeout: () => void;
    },
  ) => void;
}

const uint32 = 2 ** 32;

/**
 * What was written in one conversation and is not stored yet. One message is on its way at a time, so that they arrive in the order in
 * which they were written. Survives a reload of the page.
 */
export class Outbox {
  readonly #key: string;
  readonly #sender: Sender;
  readonly #onStored: (message: Message) => void;
  readonly #onChange: () => void;
  #entries: readonly Unsent[] = [];
  /** Tells answers of this attempt from those of one that was given up. */
  #attempt = 0;
  #timer = 0;

  constructor(options: {
    /** Under which it is kept in the tab's storage. */
    readonly key: string;
    readonly sender: Sender;
    readonly onStored: (message: Message) => void;
    readonly onChange: () => void;
  }) {
    this.#key = options.key;
    this.#sender = options.sender;
    this.#onStored = options.onStored;
    this.#onChange = options.onChange;
    const kept = JSON.parse(sessionStorage.getItem(this.#key) ?? "[]") as readonly Unsent[];
    this.#entries = kept.map((entry) => ({ ...entry, state: "waiting", retryAtMs: null }));
  }

  get entries(): readonly Unsent[] {
    return this.#entries;
  }

  write(content: string, replyToId: string | null): void {
    const clientRandom = crypto.getRandomValues(new Uint32Array(1))[0]! % uint32;
    const writtenAt = new Date().toISOString();
    const entry = { clientRandom, content, replyToId, writtenAt, refusal: null, retryAtMs: null };
    this.#change([...this.#entries, { ...entry, state: "waiting" }]);
    this.pump();
  }

  /** The line is there again, or not any more: what was on its way has an unknown outcome and waits. */
  lineChanged(): void {
    this.#attempt++;
    this.#change(this.#entries.map((entry) => (entry.state === "sending" ? waiting(entry) : entry)));
    this.pump();
  }

  /** Whether it waited here. It may have been stored although its answer was lost: the stream says so too. */
  stored(message: Message): boolean {
    const isOurs = this.#entries.some(({ clientRandom }) => clientRandom === message.client_random);
    if (isOurs) this.#drop(message.client_random!);
    return isOurs;
  }

  retry(clientRandom: number): void {
    this.#update(clientRandom, waiting);
    this.pump();
  }

  /** Returns what takes it back: under the same number, in the same place. */
  discard(clientRandom: number): () => void {
    const at = this.#entries.findIndex((entry) => entry.clientRandom === clientRandom);
    const entry = this.#entries[at];
    this.#drop(clientRandom);
    return () => {
      if (entry) this.#change(this.#entries.toSpliced(at, 0, entry));
    };
  }

  /** Sends the next one, if it may go now. */
  pump(): void {
    clearTimeout(this.#timer);
    const next = this.#entries.find(({ state }) => state !== "refused");
    if (!next || next.state === "sending" || !this.#sender.canSend()) return;
    const waitMs = (next.retryAtMs ?? 0) - Date.now();
    if (waitMs > 0) this.#timer = setTimeout(() => this.pump(), waitMs);
    else this.#send(next);
  }

  #send({ clientRandom, content, replyToId }: Unsent): void {
    const attempt = ++this.#attempt;
    const isCurrent = () => attempt === this.#attempt;
    this.#update(clientRandom, (entry) => ({ ...entry, state: "sending", retryAtMs: null }));
    const payload = {
      content,
      client_random: clientRandom,
      ...(replyToId ? { reply_to_id: replyToId } : {}),
    };
    this.#sender.push(payload, {
      ok: (message) => {
        this.#onStored(message);
        this.#drop(clientRandom);
      },
      error: (told) => isCurrent() && this.#refused(clientRandom, refusalOf(told)),
      timeout: () => isCurrent() && this.retry(clientRandom),
    });
  }

  /** Limits and overload pass: the server says when. What else it refuses, it will refuse again. */
  #refused(clientRandom: number, refusal: Refusal): void {
    const { retryAfterMs } = refusal;
    this.#update(clientRandom, (entry) => ({
      ...entry,
      refusal,
      state: retryAfterMs === null ? "refused" : "waiting",
      retryAtMs: retryAfterMs === null ? null : Date.now() + retryAfterMs,
    }));
    this.pump();
  }

  #update(clientRandom: number, change: (entry: Unsent) => Unsent): void {
    this.#change(this.#entries.map((entry) => (entry.clientRandom === clientRandom ? change(entry) : entry)));
  }

  #drop(clientRandom: number): void {
    this.#change(this.#entries.filter((entry) => entry.clientRandom !== clientRandom));
    this.pump();
  }

  #change(entries: readonly Unsent[]): void {
    this.#entries = entries;
    if (entries.length === 0) sessionStorage.removeItem(this.#key);
    else sessionStorage.setItem(this.#key, JSON.stringify(entries));
    this.#onChange();
  }
}

function waiting(entry: Unsent): Unsent {
  return { ...entry, state: "waiting", refusal: null, retryAtMs: null };
}
