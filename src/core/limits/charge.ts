import type { ConversationState } from "../conversations/conversation.ts";
import type { CreateConversation } from "../conversations/create.ts";
import type { Decision } from "../decision.ts";
import type { Limiter, Rate } from "../ports/limiter.ts";
import type { Observer } from "../ports/observer.ts";
import { isRejection, type Rejection, reject } from "../rejection.ts";
import { amountText, budgetOf, type LimitName, rateText } from "./budgets.ts";
import { addedBy, type Consequences, costOfConsequences, type Item } from "./consequences.ts";
import { arrivals, type Consequence, type Costs, creationCosts, freeAnswer } from "./costs.ts";

/** The user of a request, and the connection over which it came. */
export interface Caller {
  readonly userId: string;
  /** The key of a socket; null: the request came over REST. */
  readonly connectionKey: string | null;
}

/** A limit that was exceeded, and the time until the same cost is allowed. */
interface Excess {
  readonly limit: LimitName;
  readonly waitMs: number;
  readonly cost: number;
}

const nothing: readonly Item[] = [];
const never = Number.POSITIVE_INFINITY;

/**
 * Charges users for what they ask, by the costs of each operation (`costs.ts`) and at every door alike. What is known when an operation arrives is
 * counted then (`arrived`, `begin`), what only its decision shows is counted with it (`Charge`).
 */
export class Charges {
  readonly #limiter: Limiter;
  readonly #observer: Pick<Observer, "rateLimited">;
  /** Adding up bytes costs more than a limit that is off is worth. */
  readonly #countsBytes: boolean;

  constructor(options: { readonly limiter: Limiter; readonly observer: Pick<Observer, "rateLimited"> }) {
    this.#limiter = options.limiter;
    this.#observer = options.observer;
    this.#countsBytes = this.#isOn("user_pushed") || this.#isOn("user_delivered");
  }

  #isOn(limit: LimitName): boolean {
    return this.#limiter.rateOf(limit).perMinute > 0;
  }

  /** Counts an operation that arrives for its connection and its user: for both, or for none and it is refused. A leave is never refused. */
  arrived(costs: Costs, { userId, connectionKey }: Caller): Rejection | null {
    const { connection, user } = arrivals[costs.class];
    // On the way of every message.
    if (connection === null && user.length === 0) return null;
    const items = user.map(([limit, cost]) => ({ limit, key: userId, cost }));
    if (connection !== null && connectionKey !== null)
      items.unshift({ limit: connection, key: connectionKey, cost: 1 });
    if (costs.class !== "leave") return this.take(items);
    for (const { limit, key, cost } of items) this.#limiter.take(limit, key, cost);
    return null;
  }

  /** The charge of an operation, to be settled by what is decided on it. A send or an edit is counted here, by a guess, or refused. */
  begin(costs: Costs, { userId, connectionKey }: Caller): Charge | Rejection {
    const charge = new Charge({ charges: this, costs, userId, connectionKey });
    if (costs.class !== "message") return charge;
    return charge.guess() ?? charge;
  }

  /**
   * Counts the bytes of an answer that were not paid for: of a read or a join, those beyond the cost of its arrival; of a change, those
   * beyond what was sent with it and `freeAnswer`. Never refuses: the work is done.
   */
  answered(userId: string, costs: Costs, bytes: number, sentBytes = 0): void {
    const { user } = arrivals[costs.class];
    const counted = user.find(([limit]) => limit === "user_reads")?.[1] || freeAnswer;
    const more = (bytes - sentBytes) / 1_000 - counted;
    if (more > 0) this.#limiter.charge("user_reads", userId, more);
  }

  /** Counts a page of what a device missed. It is pushed, so nothing was counted when it was requested. */
  backlogSent(userId: string, bytes: number): void {
    this.#limiter.charge("user_backlog", userId, bytes / 1_000);
  }

  /** Milliseconds until the next page may be sent; 0: now. */
  backlogWaitMs(userId: string): number {
    return this.#limiter.take("user_backlog", userId, 0);
  }

  rateOf(limit: LimitName): Rate {
    return this.#limiter.rateOf(limit);
  }

  /** Takes all of the items, or none of them and refuses by the one that was too much. */
  take(items: readonly Item[]): Rejection | null {
    const excess = this.attempt(items);
    return excess && this.refused(excess);
  }

  /** Takes all of the items and returns null, or takes none and returns the one that was too much. Counts no refusal. */
  attempt(items: readonly Item[]): Excess | null {
    for (let at = 0; at < items.length; at++) {
      const { limit, key, cost } = items[at]!;
      const waitMs = this.#isTooMuchForGood(limit, cost) ? never : this.#limiter.take(limit, key, cost);
      if (waitMs === 0) continue;
      this.giveBack(items.slice(0, at));
      return { limit, waitMs, cost };
    }
    return null;
  }

  giveBack(items: readonly Item[]): void {
    for (const { limit, key, cost } of items) this.#limiter.giveBack(limit, key, cost);
  }

  #isTooMuchForGood(limit: LimitName, cost: number): boolean {
    if (budgetOf(limit).isAtOnce !== true) return false;
    const { perMinute, burst } = this.#limiter.rateOf(limit);
    return perMinute > 0 && cost > burst;
  }

  /** Increments the metric of this limit. */
  refused({ limit, waitMs: retryAfterMs, cost }: Excess): Rejection {
    this.#observer.rateLimited(limit);
    const { perMinute, burst } = this.#limiter.rateOf(limit);
    if (this.#isTooMuchForGood(limit, cost)) return tooLarge(limit, cost, burst);
    const rate = `${rateText(limit, perMinute)} are allowed, ${amountText(limit, burst)} at once`;
    const text = `Too many ${budgetOf(limit).counts}: ${rate}. Nothing was changed; try again after retry_after_ms.`;
    return reject("rate_limited", text, { retryAfterMs });
  }

  /** Returns the cost of a decided operation, or of a creation before it is made. */
  consequences(decided: readonly Consequence[], userId: string, what: Consequences): readonly Item[] {
    return costOfConsequences(decided, userId, what, this.#countsBytes);
  }
}

/** Waiting does not help: it has to be shorter. */
function tooLarge(limit: LimitName, cost: number, burst: number): Rejection {
  const most = amountText(limit, burst);
  const text = `Too many ${budgetOf(limit).counts}: ${amountText(limit, cost)}, ${most} are allowed. Nothing was changed; make it shorter.`;
  return reject("payload_too_large", text);
}

/**
 * What one operation costs its user beyond its arrival. Call `settle` with each decision on it, also when it is decided
 * again: after each call exactly the cost of that decision is counted, and nothing of earlier ones.
 */
export class Charge {
  readonly #charges: Charges;
  readonly #costs: Costs;
  readonly #userId: string;
  readonly #connectionKey: string | null;
  /** Counted as a message; false: as an operation. Null: it is none of either here. */
  #isMessage: boolean | null = null;
  #taken: readonly Item[] = nothing;

  constructor(options: {
    readonly charges: Charges;
    readonly costs: Costs;
    readonly userId: string;
    readonly connectionKey: string | null;
  }) {
    this.#charges = options.charges;
    this.#costs = options.costs;
    this.#userId = options.userId;
    this.#connectionKey = options.connectionKey;
  }

  /**
   * Counts a message that arrives: as one, or as an operation when its user has no message left, because it may be a repeated one. Refuses it
   * when both limits are reached.
   */
  guess(): Rejection | null {
    const tooMany = this.#charges.attempt(this.#aMessage);
    if (tooMany && this.#charges.attempt(this.#anOperation)) return this.#charges.refused(tooMany);
    this.#isMessage = tooMany === null;
    return null;
  }

  /** Counts what the decision costs. Returns a refusal if that is too much: then only the arrival is counted, and the decision must not be applied. */
  settle(decision: Decision, state: Pick<ConversationState, "id" | "members">): Rejection | null {
    this.#release();
    if (isRejection(decision)) return null;
    const events = decision.type === "decided" ? decision.events : [];
    if (events.length === 0) return this.#asOperation();
    const { id: conversationId, members } = state;
    const what = { conversationId, members: members.size, events, added: () => addedBy(events) };
    return this.#asMessage() ?? this.#take(this.#costs.decided, what);
  }

  /** Counts the people whom a creation brings in; none: it created nothing. As with `settle`, the last call counts. */
  settleCreation({ type, id }: CreateConversation, added: readonly string[]): Rejection | null {
    this.#release();
    if (added.length === 0) return null;
    return this.#take(creationCosts[type], {
      conversationId: id,
      members: 0,
      events: [],
      added: () => added,
    });
  }

  /** Gives back the cost of a decision that has no effect. The arrival stays counted. May be called any number of times. */
  annul(): void {
    this.#release();
  }

  /** Charges an answer of `bytes`, for a request of `sentBytes`. */
  answered(bytes: number, sentBytes: number): void {
    this.#charges.answered(this.#userId, this.#costs, bytes, sentBytes);
  }

  get #aMessage(): readonly Item[] {
    return [{ limit: "user_messages", key: this.#userId, cost: 1 }];
  }

  get #anOperation(): readonly Item[] {
    const ofUser: readonly Item[] = [
      { limit: "user_operations", key: this.#userId, cost: 1 },
      { limit: "user_reads", key: this.#userId, cost: 0 },
    ];
    if (this.#connectionKey === null) return ofUser;
    return [{ limit: "connection_operations", key: this.#connectionKey, cost: 1 }, ...ofUser];
  }

  #asMessage(): Rejection | null {
    if (this.#isMessage !== false) return null;
    const tooMany = this.#charges.take(this.#aMessage);
    if (tooMany) return tooMany;
    this.#charges.giveBack(this.#anOperation);
    this.#isMessage = true;
    return null;
  }

  /** It stays a message when there is no operation left. */
  #asOperation(): null {
    if (this.#isMessage !== true || this.#charges.attempt(this.#anOperation)) return null;
    this.#charges.giveBack(this.#aMessage);
    this.#isMessage = false;
    return null;
  }

  #take(decided: readonly Consequence[], what: Consequences): Rejection | null {
    const items = this.#charges.consequences(decided, this.#userId, what);
    const tooMany = this.#charges.take(items);
    if (tooMany === null) this.#taken = items;
    return tooMany;
  }

  #release(): void {
    if (this.#taken.length === 0) return;
    this.#charges.giveBack(this.#taken);
    this.#taken = nothing;
  }
}
