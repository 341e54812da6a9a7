import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { Typists, typingEveryMs, typingLastsMs } from "./typing.ts";

const of = (userId: string, isTyping: boolean, conversationId = "c") => ({
  conversationId,
  userId,
  connectionKey: "phone",
  isTyping,
});

describe("that somebody types", () => {
  test("is passed on once in two seconds, its end always, and an end of nothing never", () => {
    const typists = new Typists();
    expect(typists.signal(of("ann", false), 0)).toBe(false);
    expect(typists.signal(of("ann", true), 0)).toBe(true);
    expect(typists.signal(of("ann", true), typingEveryMs - 1)).toBe(false);
    expect(typists.signal(of("ann", false), typingEveryMs - 1)).toBe(true);
    expect(typists.signal(of("ann", true), typingEveryMs - 1)).toBe(false);
    expect(typists.signal(of("ann", true), typingEveryMs)).toBe(true);
    expect(typists.signal(of("ben", true), typingEveryMs)).toBe(true);
    expect(typists.signal(of("ann", true, "d"), typingEveryMs)).toBe(true);
  });

  test("ends five seconds after the last signal, also one that was not passed on", () => {
    const typists = new Typists();
    typists.signal(of("ann", true), 0);
    typists.signal(of("ann", true), 1_000);
    expect(typists.expire(typingLastsMs)).toEqual([]);
    expect(typists.expire(1_000 + typingLastsMs)).toMatchObject([{ userId: "ann", isTyping: false }]);
    expect(typists.expire(10_000 + typingLastsMs)).toEqual([]);
    expect(typists.size).toBe(0);
  });

  test("ends with his message, and what he writes next is told at once", () => {
    const typists = new Typists();
    expect(typists.sent("c", "ann")).toBe(false);
    typists.signal(of("ann", true), 0);
    expect(typists.sent("c", "ben")).toBe(false);
    expect(typists.sent("c", "ann")).toBe(true);
    expect(typists.sent("c", "ann")).toBe(false);
    expect(typists.signal(of("ann", true), 1)).toBe(true);
  });

  test("I10: is told of a hundred in one conversation and of no more", () => {
    const typists = new Typists();
    const told = Array.from({ length: 150 }, (_, index) => typists.signal(of(`user ${index}`, true), 0));
    expect(told.filter(Boolean)).toHaveLength(100);
    expect(typists.size).toBe(100);
  });
});

const steps = fc.array(
  fc.record({
    does: fc.constantFrom("types", "types", "stops", "sends", "waits"),
    userId: fc.constantFrom("ann", "ben"),
    pauseMs: fc.integer({ min: 0, max: 3_000 }),
  }),
  { maxLength: 60 },
);

test("whatever is signalled, starts and ends are told in turn, seldom enough, and everything ends", () => {
  fc.assert(
    fc.property(steps, (taken) => {
      const typists = new Typists();
      const typing = new Set<string>();
      let nowMs = 0;
      const end = (userId: string) => expect(typing.delete(userId)).toBe(true);
      const expire = () => typists.expire(nowMs).forEach(({ userId }) => void end(userId));
      for (const { does, userId, pauseMs } of taken) {
        nowMs += pauseMs;
        expire();
        if (does === "types" && typists.signal(of(userId, true), nowMs)) typing.add(userId);
        if (does === "stops" && typists.signal(of(userId, false), nowMs)) end(userId);
        if (does === "sends" && typists.sent("c", userId)) end(userId);
      }
      nowMs += typingLastsMs;
      expire();
      expect(typing.size).toBe(0);
      nowMs += typingLastsMs;
      expire();
      expect([typists.size, typists.nextEndMs]).toEqual([0, null]);
    }),
  );
});
