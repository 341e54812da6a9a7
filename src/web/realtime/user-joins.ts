import { type Clock, pause } from "../../core/ports/clock.ts";
import type { Observer } from "../../core/ports/observer.ts";
import type { DevicePosition } from "../../core/ports/sync-reads.ts";
import { isRejection, type Rejection, reject } from "../../core/rejection.ts";
import { Backlog, type BacklogPage } from "../../engine/sync/backlog.ts";
import type { Delivery } from "../../engine/sync/delivery.ts";
import type { JoinedUser } from "../../engine/sync/joins.ts";
import { caughtUp, cursorExpired, pendingMessages } from "../../operations/pushes/backlog.ts";
import { readReportedCursors } from "../../operations/topics/join-payload.ts";
import { joinedUserText } from "../../operations/topics/join-texts.ts";
import { joinUser } from "../../operations/topics/topic-operations.ts";
import { userTopic } from "../../operations/topics/topics.ts";
import type { Feed, Joining, JoinOutcome } from "../../phoenix/channel.ts";
import type { Joins, Receipts } from "../domain.ts";
import type { Gate } from "../gate.ts";
import { rejectionText } from "../http/rejections.ts";
import type { Presences } from "./presences.ts";
import { UserReceiver, type UserSubscriptions } from "./receivers.ts";
import type { Session } from "./session.ts";
import type { TopicJoins } from "./topic-channel.ts";

const retryPauseMs = 200;
/** The bytes that a join reads of each conversation. Its answer does not show them. */
const bytesOfStanding = 100;

export interface UserJoinsOptions {
  readonly joins: Joins;
  readonly receipts: Receipts;
  readonly subscriptions: UserSubscriptions;
  readonly delivery: Pick<Delivery, "confirmed" | "reached" | "membersRevOf">;
  readonly presences: Pick<Presences, "joinedUser" | "leftUser">;
  readonly gate: Pick<Gate, "answered" | "backlogSent" | "backlogWaitMs">;
  readonly clock: Clock;
  readonly observer: Observer;
}

/**
 * Joins of `user:<id>`: by that user, and for a device with what it has not confirmed, in three phases. Backfill: pages of the log, as fast as
 * the socket takes them. Cutover: what happened meanwhile is read until a read has missed nothing. Then live, after `caught_up`.
 */
export class UserJoins implements TopicJoins {
  readonly #joins: Joins;
  readonly #receipts: Receipts;
  readonly #subscriptions: UserSubscriptions;
  readonly #delivery: Pick<Delivery, "confirmed" | "reached" | "membersRevOf">;
  readonly #presences: Pick<Presences, "joinedUser" | "leftUser">;
  readonly #gate: Pick<Gate, "answered" | "backlogSent" | "backlogWaitMs">;
  readonly #clock: Clock;
  readonly #observer: Observer;

  constructor(options: UserJoinsOptions) {
    this.#joins = options.joins;
    this.#receipts = options.receipts;
    this.#subscriptions = options.subscriptions;
    this.#delivery = options.delivery;
    this.#presences = options.presences;
    this.#gate = options.gate;
    this.#clock = options.clock;
    this.#observer = options.observer;
  }

  async join(joining: Joining<Session>): Promise<JoinOutcome> {
    const { topic, identity } = joining;
    const { userId: viewerId, deviceId } = identity;
    if (topic !== userTopic(viewerId)) return this.#refuseStranger(viewerId);
    const reported = readReportedCursors(joining.payload);
    if (reported && isRejection(reported)) return this.#refuse(reported);
    const confirmed = this.#delivery.confirmed(viewerId);
    if (confirmed) await confirmed;
    const joined = await this.#joins.user({ viewerId, deviceId }, reported);
    if (isRejection(joined)) return this.#refuse(joined);
    const { generation, standings } = joined;
    this.#gate.answered(viewerId, joinUser.costs, bytesOfStanding * standings.length);
    const backlog = new Backlog({ joins: this.#joins, viewerId, generation, standings });
    const receiver = new UserReceiver({
      joining,
      receipts: this.#receipts,
      subscriptions: this.#subscriptions,
    });
    return {
      ok: true,
      response: joinedUserText(identity, joined),
      covers: ({ stream, at }) => backlog.covers(stream, at),
      receiver,
      accepted: () => this.#accepted(joined, receiver),
      backfill: (feed) => this.#backfill(feed, backlog, receiver),
    };
  }

  left(_topic: string, session: Session): void {
    this.#presences.leftUser(session);
  }

  #accepted({ standings, pending, apartIds }: JoinedUser, receiver: UserReceiver): void {
    receiver.complete = this.#subscriptions.began(receiver.session, standings);
    const conversations = standings
      .filter((standing) => this.#isMemberStill(standing))
      .map(({ conversationId }) => ({ conversationId, pending: pending.get(conversationId) }));
    this.#presences.joinedUser(receiver.session, { conversations, apartIds });
  }

  /** Where members changed since it was read, it says nothing of who is one now. */
  #isMemberStill({ conversationId, headRev }: DevicePosition): boolean {
    return this.#delivery.membersRevOf(conversationId) <= headRev;
  }

  async #backfill(feed: Feed, backlog: Backlog, receiver: UserReceiver): Promise<void> {
    if (receiver.complete) await receiver.complete;
    for (;;) {
      const hasPushed = await this.#pushPages(feed, backlog, receiver);
      if (feed.isOver) return;
      if (!hasPushed && feed.isComplete) break;
      feed.hold();
      await this.#extend(feed, backlog, receiver.session);
    }
    feed.push(caughtUp.names[0], caughtUp.encode());
  }

  /**
   * A frozen device costs no memory: while its socket takes nothing, nothing is held for it, and what it misses is read. Whether there
   * was anything: then there may be more by now.
   */
  async #pushPages(feed: Feed, backlog: Backlog, receiver: UserReceiver): Promise<boolean> {
    for (let hasPushed = false; ; hasPushed = true) {
      const page = await this.#nextPage(feed, backlog, receiver.session);
      // The socket has to take first what went out on other topics meanwhile.
      if (page) await feed.drained();
      if (!page || feed.isOver) return hasPushed;
      this.#gate.backlogSent(receiver.session.userId, pushPage(feed, page));
      noteSent(receiver, page);
      feed.drop();
      await feed.drained();
      await this.#reached(page);
    }
  }

  /** Before it is read whether there is more: what was read comes no more once the topic is live. */
  async #reached({ reached }: BacklogPage): Promise<void> {
    await Promise.all(reached.map(({ conversationId, rev }) => this.#delivery.reached(conversationId, rev)));
  }

  /** Null: there is no more, or nobody wants it any more. Tries again while the store is away, and waits while the user has been sent too much. */
  async #nextPage(feed: Feed, backlog: Backlog, { userId }: Session): Promise<BacklogPage | null> {
    while (!feed.isOver) {
      const waitMs = this.#gate.backlogWaitMs(userId);
      if (waitMs > 0) {
        await pause(this.#clock, waitMs);
        continue;
      }
      const page = await backlog.next();
      if (!page || !isRejection(page)) return page;
      await pause(this.#clock, retryPauseMs);
    }
    return null;
  }

  /** Adds what happened since the last read. */
  async #extend(feed: Feed, backlog: Backlog, { userId: viewerId, deviceId }: Session): Promise<void> {
    while (!feed.isOver) {
      const facts = await this.#joins.userFacts({ viewerId, deviceId });
      if (!isRejection(facts)) return backlog.extend(facts.standings);
      await pause(this.#clock, retryPauseMs);
    }
  }

  #refuseStranger(userId: string): JoinOutcome {
    this.#observer.security("join_refused", { user_id: userId, topic: "of another user" });
    return this.#refuse(notYours);
  }

  #refuse(rejection: Rejection): JoinOutcome {
    this.#observer.refused(rejection.code);
    return { ok: false, response: rejectionText(rejection) };
  }
}

/** A device that is told `cursor_expired` continues at the head. It did not receive what is before, so nothing is marked as delivered. */
function noteSent(receiver: UserReceiver, { reached, expired }: BacklogPage): void {
  for (const { conversationId, seq, rev } of reached) receiver.reached(conversationId, seq, rev, seq);
  for (const { conversationId, seq, rev } of expired) receiver.reached(conversationId, seq, rev, 0);
}

/** Returns the characters of its messages. */
function pushPage(feed: Feed, { messages, expired }: BacklogPage): number {
  const text = messages.length > 0 ? pendingMessages.encode(messages) : "";
  if (text) feed.push(pendingMessages.names[0], text);
  for (const position of expired) feed.push(cursorExpired.names[0], cursorExpired.encode(position));
  return text.length;
}

const notYours = reject(
  "unauthorized",
  "This topic belongs to another user; yours ends in the subject of your token.",
);
