import { expect, test } from "bun:test";
import fc from "fast-check";
import type { Limiter, LimitName } from "../core/ports/limiter.ts";
import { isRejection, type Rejection } from "../core/rejection.ts";
import { type Charge, SendCharge } from "../core/send-charge.ts";
import { GroupCharge } from "./group-charge.ts";

/** A limiter that shows how many uses of each limit are counted. Full ones refuse. */
function aTally(room: Partial<Record<LimitName, number>> = {}) {
  const counted: Partial<Record<LimitName, number>> = {};
  const limiter: Limiter = {
    take(limit) {
      const uses = counted[limit] ?? 0;
      if (uses >= (room[limit] ?? Number.POSITIVE_INFINITY)) return 1_000;
      counted[limit] = uses + 1;
      return 0;
    },
    giveBack(limit) {
      counted[limit] = (counted[limit] ?? 0) - 1;
    },
    rateOf: () => ({ perMinute: 1, burst: 1 }),
  };
  const uses = (limit: LimitName) => counted[limit] ?? 0;
  return { limiter, uses };
}

const rooms = fc.record({
  user_messages: fc.constantFrom(0, 1),
  connection_operations: fc.constantFrom(0, 1),
  conversation_messages: fc.constantFrom(0, 1),
});
/** What one send is decided to be, each time that it is decided again. */
const decisions = fc.array(fc.constantFrom("new", "repeated"), { maxLength: 8 });

function settled(charge: Charge, decision: string): Rejection | null {
  if (decision === "new") return charge.newMessage();
  charge.duplicate();
  return null;
}

test("however often a send is decided again, it is counted once: as a message of its user or as an operation of its connection", () => {
  fc.assert(
    fc.property(rooms, decisions, (room, decided) => {
      const { limiter, uses } = aTally(room);
      const charge = SendCharge.take(limiter, "anna", "1");
      if (isRejection(charge)) {
        expect(room).toMatchObject({ user_messages: 0, connection_operations: 0 });
        return;
      }
      for (const each of decided) {
        const refusal = settled(charge, each);
        expect(uses("user_messages") + uses("connection_operations")).toBe(1);
        if (each === "new") expect(refusal === null).toBe(uses("user_messages") === 1);
        else expect(uses("user_messages")).toBe(room.connection_operations === 0 ? 1 : 0);
      }
    }),
  );
});

test("however often a send into a large group is decided again, it is counted there once if it is new, and not at all if it is repeated", () => {
  fc.assert(
    fc.property(rooms, decisions, (room, decided) => {
      const { limiter, uses } = aTally(room);
      const charge = new GroupCharge({ charge: null, limiter, key: "group anna", isLarge: () => true });
      for (const each of decided) {
        const refusal = settled(charge, each);
        expect(uses("conversation_messages")).toBe(each === "new" ? room.conversation_messages : 0);
        expect(refusal !== null).toBe(each === "new" && room.conversation_messages === 0);
      }
    }),
  );
});
