import { expect } from "bun:test";
import type { Clock } from "../../core/ports/clock.ts";
import type { Limits } from "../../core/ports/limiter.ts";
import type { GaugeName, Observer } from "../../core/ports/observer.ts";
import type { Identity } from "../../core/ports/tokens.ts";
import { LocalLimiter } from "../../limiter/local.ts";
import { phoenixDefaults } from "../../phoenix/settings.ts";
import { LocalPresence } from "../../presence/local.ts";
import { Endpoint } from "../../web/endpoint.ts";
import type { EndpointSettings } from "../../web/endpoint-options.ts";
import type { Checks } from "../../web/http/probes.ts";
import { noteTaker, type ObserverNotes } from "../builders/builders.ts";
import { noLimits } from "../costs/limits-off.ts";
import { eventually } from "../eventually.ts";
import type { HeldCommit } from "../model/held-commit.ts";
import type { ModelStore } from "../model/model-store.ts";
import type { ModelOwnership } from "../model/ownership.ts";
import type { HeldBus } from "./held-bus.ts";
import { OpenTokens, tokenOf } from "./open-tokens.ts";
import { Wire } from "./wire.ts";
import { aWorld } from "./world.ts";

export interface FixtureOptions {
  readonly clock: Clock;
  readonly settings?: Partial<EndpointSettings>;
  readonly limits?: Partial<Limits>;
  readonly asksFirst?: boolean;
  /** The most commands under way. */
  readonly maxTurns?: number;
  /** This node owns all conversations. Else another one does, so that what sockets hear has to be subscribed. Default: false. */
  readonly isOwner?: boolean;
}

export interface Answered {
  readonly status: number;
  readonly body: unknown;
}

/** Returns the parts of a refusal that tests check. */
export function refused(status: number, error: string, ...fields: readonly string[]) {
  const details = Object.fromEntries(fields.map((name) => [name, expect.any(String)]));
  return { status, body: { error, ...(fields.length > 0 ? { details } : {}) } };
}

/** The stage of tests of the web: the real endpoint and the real engine, over a store in memory. */
export class Fixture {
  readonly presence: LocalPresence;
  readonly refused: string[] = [];
  readonly unknownFields: (readonly [operation: string, count: number])[] = [];
  /** The outcomes of handshakes. */
  readonly handshakes: string[] = [];
  readonly revoked = new Set<string>();
  readonly endpoint: Endpoint;
  readonly aborted: string[] = [];
  readonly answered: { readonly method: string; readonly route: string; readonly status: number }[] = [];
  readonly tokens = new OpenTokens();
  isStarting = false;
  checks: Checks = { database: { status: "ok" } };
  openDescriptors = 0;
  readonly #notes = noteTaker();
  readonly #world: ReturnType<typeof aWorld>;

  constructor(given: FixtureOptions) {
    const { clock, settings = {}, limits = {}, asksFirst = false } = given;
    const observer = this.#observer();
    this.#world = aWorld({ ...given, observer });
    this.presence = new LocalPresence({ clock, newId: () => Bun.randomUUIDv7() });
    this.endpoint = new Endpoint({
      ...this.#domain(),
      settings: { ...defaults, payloads: { ...defaults.payloads, asksFirst }, ...settings },
      presence: this.presence,
      tokens: this.tokens,
      revocations: { isRevoked: async (identity) => this.revoked.has(identity.userId) },
      limiter: new LocalLimiter({ clock, limits: { ...noLimits, ...limits } }),
      clock,
      workedMs: () => clock.monotonicMs(),
      newId: () => Bun.randomUUIDv7(),
      observer,
      checks: () => this.checks,
      isStarting: () => this.isStarting,
      descriptors: { limit: 200, reserved: 40, open: () => this.openDescriptors },
      extraRoutes: new Map([["GET /.well-known/jwks.json", () => Response.json({ keys: [] })]]),
    });
  }

  #domain() {
    const { engine, delivery, ownership, pubsub } = this.#world;
    const { commands, joins, queries, marks, cursors, lastSeen } = engine;
    const receipts = { marks, cursors };
    return { commands, joins, queries, marks, receipts, lastSeen, delivery, ownership, pubsub };
  }

  get ownership(): ModelOwnership {
    return this.#world.ownership;
  }

  /** The bus as the owner of the conversations publishes on it. */
  get bus(): HeldBus {
    return this.#world.bus;
  }

  /** Batches on their way to the store. */
  get commits(): HeldCommit {
    return this.#world.commits;
  }

  /** The content of the store. */
  get model(): ModelStore {
    return this.#world.model;
  }

  /** The ports of the store. A test may replace a method. */
  get store(): ReturnType<typeof aWorld>["ports"] {
    return this.#world.ports;
  }

  get bugs(): ObserverNotes["bugs"] {
    return this.#notes.bugs;
  }

  get warnings(): ObserverNotes["warnings"] {
    return this.#notes.warnings;
  }

  /** The lines of the security log. */
  get security(): ObserverNotes["security"] {
    return this.#notes.security;
  }

  get url(): string {
    return this.endpoint.url;
  }

  gauge(name: GaugeName): number | undefined {
    return this.#notes.gauges.get(name)?.();
  }

  /** A request as `userId`, or as nobody; `body` is sent as it is when it is text or bytes, else as JSON. */
  fetch(method: string, path: string, more: { as?: string; body?: unknown; headers?: object } = {}) {
    const raw = typeof more.body === "string" || more.body instanceof Uint8Array;
    return fetch(this.url + path, {
      method,
      headers: {
        ...(more.as ? { authorization: `Bearer ${tokenOf({ userId: more.as })}` } : {}),
        ...more.headers,
      },
      ...(more.body === undefined ? {} : { body: raw ? (more.body as string) : JSON.stringify(more.body) }),
    });
  }

  /** A request as `userId`; its status, and its body as JSON. */
  async ask(as: string, method: string, path: string, body?: unknown): Promise<Answered> {
    const response = await this.fetch(method, `/api/v1${path}`, { as, body });
    const text = await response.text();
    return { status: response.status, body: text === "" ? null : JSON.parse(text) };
  }

  /** The id of a message that `senderId` has sent. */
  async sent(senderId: string, conversationId: string, content: string): Promise<string> {
    const { body } = await this.ask(senderId, "POST", `/conversations/${conversationId}/messages`, {
      content,
    });
    return (body as { data: { id: string } }).data.id;
  }

  /** The id of the direct conversation of the two. */
  async conversationOf(creatorId: string, otherUserId: string): Promise<string> {
    const body = { type: "direct", other_user_id: otherUserId };
    const response = await this.fetch("POST", "/api/v1/conversations", { as: creatorId, body });
    const { data } = (await response.json()) as { data: { id: string } };
    return data.id;
  }

  /** The id of a group that `creatorId` owns. */
  async groupOf(creatorId: string, otherUserIds: readonly string[]): Promise<string> {
    const body = { type: "group", name: "hikers", user_ids: otherUserIds };
    const response = await this.fetch("POST", "/api/v1/conversations", { as: creatorId, body });
    const { data } = (await response.json()) as { data: { id: string } };
    return data.id;
  }

  /** An open socket of `userId`. */
  socketOf(userId: string, identity: Partial<Identity> = {}): Promise<Wire> {
    return Wire.open(this.url, tokenOf({ userId, ...identity }));
  }

  /** Blocks a user for another, or ends the block. Resolves when their conversation has followed. */
  async block(blockerId: string, blockedId: string, isBlocked = true): Promise<void> {
    const { blocks } = this.#world.ports;
    blocks.change({ blockerId, blockedId, isBlocked, atUs: 1 });
    await eventually("the block to be applied", async () => (await blocks.pending(null, 1)).length === 0);
  }

  async stop(): Promise<void> {
    await this.endpoint.stop({ deadlineMs: 1_000 });
    this.#world.stop();
  }

  #observer(): Observer {
    return {
      ...this.#notes.observer,
      refused: (code) => this.refused.push(code),
      unknownFields: (operation, count) => this.unknownFields.push([operation, count]),
      handshake: (outcome) => this.handshakes.push(outcome),
      requestAnswered: ({ method, route, status }) => this.answered.push({ method, route, status }),
      requestAborted: () => this.aborted.push("a request"),
    };
  }
}

const hourMs = 60 * 60 * 1000;

const defaults: EndpointSettings = {
  hostname: "127.0.0.1",
  port: 0,
  maxBodyBytes: 512 * 1024,
  maxHeldBytes: 1 << 27,
  answerWithinMs: 30_000,
  payloads: {
    maxContentBytes: 65_536,
    maxMetadataBytes: 16_384,
    editWindowMs: 24 * hourMs,
    deleteWindowMs: 48 * hourMs,
    asksFirst: false,
  },
  presenceShownTo: "members",
  corsOrigins: "*",
  maxSessionMs: 12 * hourMs,
  maxSocketsPerUser: 0,
  trustedProxies: [],
  maxLoopLatenessMs: 0,
  phoenix: phoenixDefaults,
  drain: { batch: 500, pauseMs: 50 },
};
