import { expect, test } from "bun:test";
import fc from "fast-check";
import type { Online, PresenceDiff, PresenceStatus } from "../ports/presence.ts";
import { graceMs, OnlineUsers } from "./online-users.ts";

const users = ["ann", "ben", "cleo"];
const conversations = ["a", "b"];

/** A client as Phoenix makes it: the set that one socket has of one conversation. */
class Client {
  readonly metas: Map<string, Online>;
  constructor(state: readonly Online[]) {
    this.metas = new Map(state.map((online) => [online.userId, online]));
  }
  hear({ joins, leaves }: PresenceDiff): void {
    for (const each of joins) {
      const known = this.metas.get(each.userId);
      // A client would show him twice.
      expect(known?.ref ?? each.ref).toBe(each.ref);
      this.metas.set(each.userId, each);
    }
    for (const { userId, ref } of leaves) if (this.metas.get(userId)?.ref === ref) this.metas.delete(userId);
    expect(joins.filter(({ userId }) => leaves.some((leave) => leave.userId === userId))).toEqual([]);
  }
}

const user = fc.constantFrom(...users);
const step = fc.oneof(
  fc.record({ does: fc.constant("arrives" as const), user }),
  fc.record({ does: fc.constant("departs" as const), user }),
  fc.record({ does: fc.constant("enters" as const), user, place: fc.constantFrom(...conversations) }),
  fc.record({ does: fc.constant("opens" as const), user, place: fc.constantFrom(...conversations) }),
  fc.record({ does: fc.constant("is removed" as const), user, place: fc.constantFrom(...conversations) }),
  fc.record({
    does: fc.constant("says" as const),
    user,
    status: fc.constantFrom<PresenceStatus[]>("online", "away", "offline"),
  }),
  fc.record({ does: fc.constant("time passes" as const), ms: fc.constantFrom(100, graceMs) }),
  fc.record({ does: fc.constant("it is told" as const), most: fc.constantFrom(1, 10) }),
  fc.record({ does: fc.constant("a client joins" as const), place: fc.constantFrom(...conversations) }),
);

test("whoever has a state and hears every diff after it has, once all is told, exactly who is online", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const online = new OnlineUsers({ listensTo: () => true });
      const clients = new Map(conversations.map((place) => [place, [new Client([])]]));
      let nowMs = 0;
      let refs = 0;
      const now = () => ({ ms: nowMs, us: nowMs * 1_000 });
      const tell = (conversations: number) => {
        for (const diff of online.takeDiffs({ conversations, users: 2 }))
          for (const client of clients.get(diff.conversationId)!) client.hear(diff);
      };
      for (const taken of steps) {
        switch (taken.does) {
          case "arrives":
            online.arrived(taken.user, () => `ref ${++refs}`, now().us);
            break;
          case "departs":
            online.departed(taken.user, now());
            break;
          case "enters":
            online.presentIn(taken.user, [taken.place]);
            break;
          case "opens":
            online.opened(taken.user, taken.place);
            break;
          case "is removed":
            online.keepOnly(taken.place, (userId) => userId !== taken.user);
            break;
          case "says":
            online.setStatus(taken.user, taken.status, now().us);
            break;
          case "time passes":
            nowMs += taken.ms;
            online.expire(nowMs, 2);
            break;
          case "it is told":
            tell(taken.most);
            break;
          case "a client joins":
            clients.get(taken.place)!.push(new Client(online.onlineIn(taken.place)));
        }
      }
      while (online.hasPending) tell(10);
      for (const place of conversations) {
        const shown = online.onlineIn(place).map(({ userId, status }) => `${userId} ${status}`);
        for (const { metas } of clients.get(place)!)
          expect([...metas.values()].map(({ userId, status }) => `${userId} ${status}`).sort()).toEqual(
            shown.sort(),
          );
      }
    }),
    { numRuns: 2_000 },
  );
});

test("I10: a user whom others brought into two thousand conversations is shown in those that they open, in place of the others", () => {
  const online = new OnlineUsers({ listensTo: (id) => id === "forced 0" });
  online.arrived("ann", () => "ref", 0);
  online.presentIn(
    "ann",
    Array.from({ length: 2_000 }, (_, index) => `forced ${index}`),
  );
  online.takeDiffs({ conversations: 10, users: 10 });
  online.opened("ann", "own 0");
  online.opened("ann", "forced 1");
  online.opened("ann", "own 1");
  for (const shown of ["own 0", "own 1", "forced 1", "forced 1999"])
    expect([shown, online.onlineIn(shown).length]).toEqual([shown, 1]);
  expect(online.onlineIn("forced 2")).toEqual([]);
  // Who listens where they are not shown any more is told so.
  const [diff] = online.takeDiffs({ conversations: 10, users: 10 });
  expect(diff).toMatchObject({ conversationId: "forced 0", joins: [], leaves: [{ userId: "ann" }] });
  for (let index = 2; index < 2_500; index++) online.opened("ann", `own ${index}`);
  expect(online.onlineIn("own 2499")).toHaveLength(1);
  expect(online.onlineIn("own 0")).toEqual([]);
});

test("I10: a user is shown in two thousand conversations and in no more", () => {
  const online = new OnlineUsers({ listensTo: () => false });
  online.arrived("ann", () => "ref", 0);
  online.presentIn(
    "ann",
    Array.from({ length: 2_500 }, (_, index) => `conversation ${index}`),
  );
  expect(online.onlineIn("conversation 1999")).toHaveLength(1);
  expect(online.onlineIn("conversation 2000")).toHaveLength(0);
  online.keepOnly("conversation 0", () => false);
  online.presentIn("ann", ["conversation 2000"]);
  expect(online.onlineIn("conversation 2000")).toHaveLength(1);
});
