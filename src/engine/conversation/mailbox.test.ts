import { expect, test } from "bun:test";
import fc from "fast-check";
import { aSend } from "../../testing/builders/builders.ts";
import { Mailbox, newTurn, type Turn } from "./mailbox.ts";

const aTurn = (): Turn =>
  newTurn({ command: aSend(), answer() {}, charge: null, gone: null, acceptedMs: 0, deadlineMs: 1 });

test("a mailbox is a queue: first in, first out, and what is not retained is gone, through any number of steps", () => {
  const steps = fc.array(
    fc.oneof(
      {
        weight: 6,
        arbitrary: fc.record({ do: fc.constant("push" as const), times: fc.integer({ min: 1, max: 900 }) }),
      },
      {
        weight: 5,
        arbitrary: fc.record({ do: fc.constant("shift" as const), times: fc.integer({ min: 1, max: 900 }) }),
      },
      {
        weight: 1,
        arbitrary: fc.record({ do: fc.constant("retain" as const), times: fc.integer({ min: 1, max: 3 }) }),
      },
    ),
    { maxLength: 12 },
  );
  fc.assert(
    fc.property(steps, (given) => {
      const mailbox = new Mailbox();
      let plain: Turn[] = [];
      for (const step of given) {
        for (let time = 0; time < step.times; time++) {
          if (step.do === "push") {
            const turn = aTurn();
            mailbox.push(turn);
            plain.push(turn);
          } else if (step.do === "shift" && plain.length > 0) {
            mailbox.shift();
            plain.shift();
          }
        }
        if (step.do === "retain") {
          const kept = new Set(plain.filter((_, index) => index % (step.times + 1) !== 0));
          mailbox.retain((turn) => kept.has(turn));
          plain = plain.filter((turn) => kept.has(turn));
        }
        expect(mailbox.size).toBe(plain.length);
        expect(mailbox.front).toBe(plain[0]);
        if (plain.length > 0) expect(mailbox.at(plain.length - 1)).toBe(plain.at(-1)!);
      }
    }),
    { numRuns: 40 },
  );
});
