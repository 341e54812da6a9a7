import { expect, test } from "bun:test";
import fc from "fast-check";
import { LocalLimiter } from "../../limiter/local.ts";
import { aMessageSent, aState, messageSentAs } from "../../testing/builders/builders.ts";
import { VirtualClock } from "../../testing/clock.ts";
import { noLimits } from "../../testing/costs/limits-off.ts";
import type { Decision } from "../decision.ts";
import type { Event } from "../events.ts";
import type { Limiter, Rate } from "../ports/limiter.ts";
import { isRejection, reject } from "../rejection.ts";
import { budgets, type LimitName } from "./budgets.ts";
import { type Charge, Charges } from "./charge.ts";
import { type Costs, costs } from "./costs.ts";
import { pushedBytes } from "./pushed-bytes.ts";

const everyLimit = Object.keys(budgets) as LimitName[];
const everyCost: readonly Costs[] = Object.values(costs);

/** A limiter that shows what is counted of each limit, over all its keys. Each has room for so much and no more. */
function aTally(room: Partial<Record<LimitName, number>> = {}) {
  const counted = new Map<LimitName, number>();
  const of = (limit: LimitName) => counted.get(limit) ?? 0;
  const limiter: Limiter = {
    take(limit, _key, cost = 1) {
      if (of(limit) + cost > (room[limit] ?? Number.POSITIVE_INFINITY)) return 1_000;
      counted.set(limit, of(limit) + cost);
      return 0;
    },
    charge: (limit, _key, cost) => void counted.set(limit, of(limit) + cost),
    giveBack: (limit, _key, cost = 1) => void counted.set(limit, of(limit) - cost),
    rateOf: () => ({ perMinute: 1, burst: Number.POSITIVE_INFINITY }),
  };
  const refusals: LimitName[] = [];
  const observer = { rateLimited: (limit: LimitName) => void refusals.push(limit) };
  const all = () =>
    Object.fromEntries(everyLimit.flatMap((limit) => (of(limit) === 0 ? [] : [[limit, of(limit)]])));
  return { charges: new Charges({ limiter, observer }), of, all, refusals };
}

const overSocket = { userId: "anna", connectionKey: "1" };

const memberAdded = (userId: string): Event => ({
  type: "member_added",
  conversationId: "c",
  rev: 1,
  actorId: "anna",
  atUs: 0,
  member: {
    userId,
    role: "member",
    joinedAtUs: 0,
    joinedSeq: 0,
    joinedRev: 1,
    rev: 1,
    leftSeq: null,
    leftAtUs: null,
  },
});

const sent = aMessageSent({ content: "hello" });
const edited: Event = {
  type: "message_edited",
  conversationId: "c",
  rev: 2,
  changeId: "x",
  message: messageSentAs({ content: "\u0001".repeat(1_000) }),
};
const unchanged: Decision = { type: "unchanged", message: messageSentAs() };
const duplicate: Decision = { type: "duplicate", seq: 1, joinedSeq: 0 };
const refusal = reject("forbidden", "no");
const decisions: readonly Decision[] = [
  ...[[sent], [edited], [memberAdded("ben"), memberAdded("cleo")], []].map(
    (events): Decision => ({ type: "decided", events }),
  ),
  unchanged,
  duplicate,
  refusal,
];

/** What the table says that a decision costs, written once more and without looking at how it is counted. */
function priceOf(
  { decided }: Costs,
  decision: Decision,
  members: number,
): Partial<Record<LimitName, number>> {
  if (decision.type !== "decided" || decision.events.length === 0) return {};
  const added = decision.events.filter(({ type }) => type === "member_added").length;
  const bytes = pushedBytes(decision.events);
  return {
    ...(decided.includes("group") && members > 50 ? { conversation_messages: 1 } : {}),
    ...(decided.includes("pushed") ? { user_pushed: bytes, user_delivered: bytes * members } : {}),
    ...(decided.includes("members") && added > 0 ? { user_members_added: added } : {}),
    ...(decided.includes("pairs") && added > 0 ? { pair_memberships: added } : {}),
  };
}

const rooms = fc.record(
  Object.fromEntries(
    everyLimit.map((limit) => [limit, fc.constantFrom(0, 1, 2, 3_000, Number.POSITIVE_INFINITY)]),
  ) as { readonly [L in LimitName]: fc.Arbitrary<number> },
);

test("however often an operation is decided again, what is counted is what the table says of its last decision, and only its arrival where that is too much", () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...everyCost),
      rooms,
      fc.constantFrom(2, 51),
      fc.array(fc.constantFrom(...decisions), { maxLength: 8 }),
      (operation, room, members, decided) => {
        const { charges, all, of } = aTally(room);
        const isMessage = operation.class === "message";
        const charge = charges.begin(operation, overSocket);
        if (isRejection(charge)) {
          expect([isMessage, all()]).toEqual([true, {}]);
          return;
        }
        const state = aState({ userIds: Array.from({ length: members }, (_, at) => `member ${at}`) });
        for (const decision of decided) {
          const refused = charge.settle(decision, state);
          const { user_messages = 0, connection_operations = 0, user_operations, ...others } = all();
          expect(user_messages + connection_operations).toBe(isMessage ? 1 : 0);
          expect(user_operations ?? 0).toBe(connection_operations);
          const price = priceOf(operation, decision, members);
          const isTooMuch = Object.entries(price).some(([limit, cost]) => cost > room[limit as LimitName]);
          const changes = decision.type === "decided" && decision.events.length > 0;
          const isNoMessage = isMessage && changes && of("user_messages") === 0;
          expect(refused !== null).toBe(isTooMuch || isNoMessage);
          expect(others).toEqual(refused ? {} : price);
        }
      },
    ),
  );
});

test("a send that changes nothing counts as an operation of its connection and its user, where there is one left", () => {
  for (const decision of [duplicate, unchanged]) {
    const { charges, all } = aTally();
    const charge = charges.begin(costs.message, overSocket) as Charge;
    expect(all()).toEqual({ user_messages: 1 });
    charge.settle(decision, aState({ userIds: ["anna", "ben"] }));
    expect(all()).toEqual({ connection_operations: 1, user_operations: 1 });
  }
  const { charges, all } = aTally({ user_operations: 0 });
  (charges.begin(costs.message, overSocket) as Charge).settle(
    duplicate,
    aState({ userIds: ["anna", "ben"] }),
  );
  expect(all()).toEqual({ user_messages: 1 });
});

test("an arrival is counted for its connection and its user, or for neither; a leave always, and over REST no connection", () => {
  fc.assert(
    fc.property(fc.constantFrom(...everyCost), rooms, fc.boolean(), (operation, room, isRest) => {
      const { charges, all, refusals } = aTally(room);
      const refused = charges.arrived(operation, { userId: "anna", connectionKey: isRest ? null : "1" });
      const ofConnection = Object.keys(all()).filter((limit) => limit.startsWith("connection_"));
      if (isRest) expect(ofConnection).toEqual([]);
      if (operation.class === "leave") expect(refused).toBeNull();
      else if (refused) expect(all()).toEqual({});
      expect(refusals).toHaveLength(refused ? 1 : 0);
    }),
  );
});

test("an answer costs what its read or join did not pay when it arrived", () => {
  const { charges, all, of } = aTally();
  charges.answered("anna", costs.read, 7_000);
  expect(all()).toEqual({});
  charges.answered("anna", costs.read, 108_000);
  expect(of("user_reads")).toBe(100);
  charges.answered("anna", costs.join, 3_000);
  expect(of("user_reads")).toBe(102);
});

test("the answer to a change costs what it has beyond what was sent with it and 8 kB, and who has nothing left to read is refused what is answered with more than it brings", () => {
  const { charges, all, of } = aTally({ user_reads: 300 });
  const send = charges.begin(costs.message, overSocket) as Charge;
  send.answered(408_000, 400_000);
  charges.answered("anna", costs.change, 7_000);
  expect(of("user_reads")).toBe(0);
  charges.answered("anna", costs.change, 209_000, 1_000);
  expect(of("user_reads")).toBe(200);
  expect(charges.arrived(costs.change, overSocket)).toBeNull();
  send.answered(408_000, 1);
  expect(charges.arrived(costs.change, overSocket)).toMatchObject({ code: "rate_limited" });
  send.settle(duplicate, aState({ userIds: ["anna", "ben"] }));
  expect(all()).toMatchObject({ user_messages: 1, user_operations: 1 });
});

test("a creation counts the people whom it brings in, and nothing once it shows that it was made before", () => {
  const { charges, all } = aTally();
  const charge = charges.begin(costs.creation, overSocket) as Charge;
  const group = {
    type: "create_group",
    id: "c",
    creatorId: "anna",
    otherUserIds: [],
    metadata: "{}",
    atUs: 0,
  } as const;
  charge.settleCreation(group, ["ben", "cleo"]);
  expect(all()).toEqual({ user_members_added: 2, pair_memberships: 2 });
  charge.settleCreation(group, []);
  expect(all()).toEqual({});
  const direct = { type: "create_direct", id: "d", creatorId: "anna", otherUserId: "ben", atUs: 0 } as const;
  charge.settleCreation(direct, ["ben"]);
  expect(all()).toEqual({ user_members_added: 1 });
});

test("what costs all that is allowed at once is not too large, what costs more is, and nothing is where that limit is off", () => {
  const bytes = pushedBytes([sent]);
  const refusalWith = (pushed: Rate) => {
    const limits = { ...noLimits, user_pushed: pushed, user_delivered: { perMinute: 1e9, burst: 1e9 } };
    const limiter = new LocalLimiter({ clock: new VirtualClock(), limits });
    const charges = new Charges({ limiter, observer: { rateLimited() {} } });
    const charge = charges.begin(costs.message, overSocket) as Charge;
    return charge.settle({ type: "decided", events: [sent] }, aState({ userIds: ["anna", "ben"] }));
  };
  expect(refusalWith({ perMinute: bytes, burst: bytes })).toBeNull();
  expect(refusalWith({ perMinute: bytes, burst: bytes - 1 })).toMatchObject({ code: "payload_too_large" });
  expect(refusalWith({ perMinute: 0, burst: 0 })).toBeNull();
});

test("what is pushed of an event is counted in the bytes and frames that a socket on both topics gets", () => {
  // A control character is six bytes of JSON, an edit has two names, and each goes to both topics.
  expect(pushedBytes([edited])).toBe(4 * (500 + 6_002 + 2));
  expect(pushedBytes([sent])).toBe(2 * (500 + 2 * 5 + 2));
  const many = Array.from({ length: 600 }, (_, at) => memberAdded(`${at}`));
  expect(pushedBytes(many)).toBe(2 * 500 + 599 * 2 * 39);
});
