import { expect, test } from "bun:test";
import { noteTaker } from "../../testing/builders/builders.ts";
import { VirtualClock } from "../../testing/clock.ts";
import { ConnectionCap } from "./connection-cap.ts";

function aCap() {
  const clock = new VirtualClock();
  const { observer, warnings } = noteTaker();
  const world = { open: 100 };
  const limits = { limit: 200, reserved: 40, open: () => world.open };
  return { clock, warnings, world, cap: new ConnectionCap({ limits, clock, observer }) };
}

test("sockets are refused before the reserve, requests in the middle of it, and until then they lose their keep-alive", async () => {
  const { clock, world, cap } = aCap();
  const at = async (open: number) => {
    world.open = open;
    await clock.runFor(20);
    return [cap.isCrowded, cap.handshake() !== null, cap.request() !== null];
  };
  expect(await at(159)).toEqual([false, false, false]);
  expect(await at(160)).toEqual([true, true, false]);
  expect(await at(180)).toEqual([true, true, true]);
  expect(await at(159)).toEqual([false, false, false]);
});

test("a refusal names when to come back, is an incident, and is seen by the probe for ten seconds", async () => {
  const { clock, warnings, world, cap } = aCap();
  expect(cap.check).toEqual({ status: "ok" });
  world.open = 170;
  expect(cap.handshake()).toMatchObject({ code: "overloaded", retryAfterMs: 5_000 });
  expect(warnings).toEqual([{ event: "descriptors_exhausted", open: 170, limit: 200 }]);
  world.open = 100;
  await clock.runFor(9_999);
  expect(cap.check).toMatchObject({ status: "degraded" });
  await clock.runFor(1);
  expect(cap.check).toEqual({ status: "ok" });
});
