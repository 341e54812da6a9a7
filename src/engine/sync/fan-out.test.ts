import { expect, test } from "bun:test";
import { eventually } from "../../testing/eventually.ts";
import { FanOut } from "./fan-out.ts";

function bench() {
  const failures: unknown[] = [];
  const fanOut = new FanOut({ failed: (error) => failures.push(error) });
  const sent: string[] = [];
  const send = (conversationId: string, name: string, topics: number) => {
    if (fanOut.takes(conversationId, topics)) sent.push(name);
    else fanOut.wait({ conversationId, topics, send: () => sent.push(name) });
  };
  return { fanOut, failures, sent, send };
}

test("frames of large groups go out in turns of bounded work, in order, and small ones of others at once", async () => {
  const { sent, send } = bench();
  const names = Array.from({ length: 40 }, (_, index) => `large ${index}`);
  for (const name of names) send("crowd", name, 1_000);
  const atOnce = sent.length;
  expect(atOnce).toBeGreaterThan(0);
  expect(atOnce).toBeLessThanOrEqual(5);
  send("crowd", "small of the same", 1);
  send("pair", "small of another", 2);
  expect(sent.at(-1)).toBe("small of another");
  await eventually("all", () => sent.length === 42);
  expect(sent.filter((name) => name !== "small of another")).toEqual([...names, "small of the same"]);
});

test("one that fails is reported and holds up no other", async () => {
  const { fanOut, failures, sent, send } = bench();
  for (let n = 0; n < 5; n += 1) send("crowd", `before ${n}`, 1_000);
  fanOut.wait({
    conversationId: "crowd",
    topics: 1_000,
    send: () => {
      throw new Error("broken");
    },
  });
  send("crowd", "after", 1);
  await eventually("what comes after", () => sent.at(-1) === "after");
  expect(failures.map(String)).toEqual(["Error: broken"]);
});

test("however much waits, it is gone within a bounded number of turns", async () => {
  const { sent, send } = bench();
  for (let n = 0; n < 20_000; n += 1) send(`crowd ${n % 7}`, String(n), 1_000);
  for (let turn = 0; turn < 400 && sent.length < 20_000; turn += 1)
    await new Promise<void>((resolve) => setImmediate(resolve));
  expect(sent.length).toBe(20_000);
});
