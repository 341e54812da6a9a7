import { expect, test } from "bun:test";
import fc from "fast-check";
import { Backpressure, type Waiting } from "./backpressure.ts";

interface FakeSocket extends Waiting<string> {
  waitingBytes: number;
}

/** Sockets whose clients read when the test says so. */
function someSockets(maxBytes: number) {
  const sockets = new Set<FakeSocket>();
  const ended: string[] = [];
  const backpressure = new Backpressure<string>({
    sockets,
    maxBytes,
    ownerOf: (identity) => identity.split(" ")[0],
    ended: (identity) => void ended.push(identity),
  });
  const open = (identity: string, waitingBytes = 0): FakeSocket => {
    const socket = { identity, waitingBytes, terminate: () => void sockets.delete(socket) };
    sockets.add(socket);
    return socket;
  };
  return { sockets, ended, backpressure, open };
}

const counted = () => new Promise((resolve) => setImmediate(resolve));

test("sockets that read are never counted among those that wait, however much they are sent", async () => {
  const { backpressure, open, ended } = someSockets(100);
  open("anna phone");
  for (let round = 0; round < 100; round++) {
    backpressure.sent(90);
    await counted();
  }
  expect([ended, backpressure.bytes]).toEqual([[], 0]);
});

test("what waits already leaves less room for what is sent before all are counted again", async () => {
  const { backpressure, open } = someSockets(1_000);
  const slow = open("anna phone", 600);
  backpressure.count();
  slow.waitingBytes = 700;
  backpressure.sent(401);
  await counted();
  expect(backpressure.bytes).toBe(700);
  slow.waitingBytes = 740;
  backpressure.sent(300);
  await counted();
  expect(backpressure.bytes).toBe(700);
});

test("the fullest sockets of whoever holds most end first, and only as many as have to", async () => {
  const { backpressure, open, ended } = someSockets(1_000);
  open("anna phone", 150);
  open("mallory 1", 100);
  open("mallory 2", 300);
  open("mallory 3", 100);
  open("ben phone", 200);
  backpressure.sent(1_001);
  await counted();
  expect(ended).toEqual(["mallory 2", "mallory 1"]);
  expect(backpressure.bytes).toBe(450);
});

test("many sockets of one user with little each are together more than one of another", async () => {
  const { backpressure, open, ended } = someSockets(1_000);
  open("anna phone", 400);
  for (let place = 0; place < 45; place++) open(`mallory ${place}`, 10);
  backpressure.sent(1_001);
  await counted();
  expect(ended.every((identity) => identity.startsWith("mallory"))).toBe(true);
  expect(ended).toHaveLength(35);
});

test("what waits never exceeds the bound at the end of a turn, whatever is sent and read", async () => {
  const step = fc.record({ socket: fc.nat(9), bytes: fc.nat(200), reads: fc.nat(9) });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const { backpressure, open, sockets } = someSockets(1_000);
      const all = Array.from({ length: 10 }, (_, place) => open(`user${place % 4} ${place}`));
      for (const { socket, bytes, reads } of steps) {
        all[socket]!.waitingBytes += bytes;
        all[reads]!.waitingBytes = 0;
        backpressure.sent(bytes);
        await counted();
        const waiting = [...sockets].reduce((sum, each) => sum + each.waitingBytes, 0);
        expect(waiting).toBeLessThanOrEqual(1_000);
      }
    }),
    { numRuns: 50 },
  );
});
