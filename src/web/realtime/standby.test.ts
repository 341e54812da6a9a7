import { afterEach, beforeEach, expect, spyOn, test } from "bun:test";
import { noteTaker } from "../../testing/builders/builders.ts";
import { VirtualClock } from "../../testing/clock.ts";
import { eventually } from "../../testing/eventually.ts";
import { ModelStore } from "../../testing/model/model-store.ts";
import { ModelOwnership } from "../../testing/model/ownership.ts";
import { Fixture } from "../../testing/web/fixture.ts";
import { Standby } from "./standby.ts";

const anna = "0192a7c0-0000-7000-8000-00000000000a";
const ben = "0192a7c0-0000-7000-8000-00000000000b";
const graceMs = 3_000;

let web: Fixture;
let clock: VirtualClock;
let conversationId: string;
beforeEach(async () => {
  clock = new VirtualClock();
  web = new Fixture({ clock });
  conversationId = await web.conversationOf(anna, ben);
});
afterEach(() => web.stop());

async function joined(userId: string) {
  const wire = await web.socketOf(userId);
  await wire.join(`conversation:${conversationId}`);
  return wire;
}

test("E2: a node that cannot serve refuses handshakes with 503 and when to come again", async () => {
  web.checks = { ownership: { status: "unavailable", reason: "waits for another process" } };
  const response = await fetch(`${web.url}/socket/websocket?vsn=2.0.0`);
  expect(response.status).toBe(503);
  expect(Number(response.headers.get("retry-after"))).toBeWithin(1, 4);
  const body = (await response.json()) as { readonly error: string; readonly retry_after_ms: number };
  expect(body.error).toBe("unavailable");
  expect(body.retry_after_ms).toBeWithin(500, 3_001);
});

test("E2: sockets stay open while the right to serve is away for a moment, and what was missed is looked for when it is back", async () => {
  await joined(anna);
  const heads = spyOn(web.store.deliveryReads, "heads");
  web.ownership.lose();
  await clock.runFor(graceMs - 1);
  web.ownership.gain();
  await clock.runFor(graceMs);
  expect(web.endpoint.sockets.size).toBe(1);
  expect(heads.mock.calls).toEqual([[[conversationId]]]);
});

test("E2: sockets are closed with 1012 when it stays away for longer", async () => {
  const wires = [await joined(anna), await joined(ben)];
  web.ownership.lose();
  await clock.runFor(graceMs);
  await eventually("the sockets to close", () => web.endpoint.sockets.size === 0);
  await eventually("the clients to hear of it", () => wires.every((wire) => wire.closed !== null));
  for (const { closed } of wires) expect(closed).toMatchObject({ code: 1012 });
});

test("E3: another history of the store closes every socket with 1012 in the same turn", async () => {
  const wires = [await joined(anna), await joined(ben)];
  web.ownership.restore();
  expect(web.endpoint.sockets.size).toBe(0);
  await eventually("the clients to hear of it", () => wires.every((wire) => wire.closed !== null));
  for (const { closed } of wires) expect(closed).toMatchObject({ code: 1012 });
});

test("E3: what delivery remembers goes with the sockets, before anything else is forwarded", () => {
  const ownership = new ModelOwnership({ store: new ModelStore() });
  const calls: string[] = [];
  const note = (call: string) => () => void calls.push(call);
  const standby = new Standby({
    ownership,
    sockets: { size: 1, closeAll: async () => {}, closeWhere: () => calls.push("close") },
    delivery: { compareHeads: async () => {}, forgetAll: note("forget") },
    clock,
    observer: noteTaker().observer,
  });
  ownership.restore();
  expect(calls).toEqual(["close", "forget"]);
  standby.stop();
});
