import { expect, test } from "bun:test";
import { VirtualClock } from "../../testing/clock.ts";
import { RequestMeter } from "./request-meter.ts";

function aMeter() {
  const clock = new VirtualClock();
  const reported: unknown[] = [];
  const observer = {
    requestAnswered: (answered: object) => void reported.push(answered),
    requestAborted: () => void reported.push("aborted"),
  };
  return { clock, reported, meter: new RequestMeter({ observer, clock }) };
}

const url = "http://a/somewhere";

test("a request is measured until its answer, under the template of its route", async () => {
  const { clock, reported, meter } = aMeter();
  await meter.measure("/x/:id", new Request(url), async () => {
    clock.stall(30);
    return new Response(null, { status: 204 });
  });
  expect(reported).toEqual([{ method: "GET", route: "/x/:id", status: 204, tookMs: 30 }]);
});

test("a handshake that became a socket counts as switching protocols", async () => {
  const { reported, meter } = aMeter();
  await meter.measure("/socket", new Request(url), () => undefined);
  expect(reported).toEqual([{ method: "GET", route: "/socket", status: 101, tookMs: 0 }]);
});

test("methods that nothing here answers to share one label", async () => {
  const { reported, meter } = aMeter();
  for (const method of ["PROPFIND", "LOCK"])
    await meter.measure("none", new Request(url, { method }), () => new Response(null, { status: 405 }));
  expect(reported).toEqual(Array(2).fill({ method: "other", route: "none", status: 405, tookMs: 0 }));
});

test("an answer that nobody reads any more is counted, not measured", async () => {
  const { reported, meter } = aMeter();
  const gone = new AbortController();
  await meter.measure("/x", new Request(url, { signal: gone.signal }), () => {
    gone.abort();
    return new Response();
  });
  expect(reported).toEqual(["aborted"]);
});
