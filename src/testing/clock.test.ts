import { describe } from "bun:test";
import { VirtualClock } from "./clock.ts";
import { clockContract } from "./clock-contract.ts";

describe("time that passes when it is told to", () =>
  clockContract(() => {
    const clock = new VirtualClock();
    return {
      clock,
      async until(promise) {
        let isOver = false;
        void promise.then(() => {
          isOver = true;
        });
        await clock.runUntil(() => isOver, 60_000);
        return promise;
      },
    };
  }));
