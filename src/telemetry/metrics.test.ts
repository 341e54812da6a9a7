import { afterEach, describe, expect, test } from "bun:test";
import type { Observer } from "../core/ports/observer.ts";
import { createLogger } from "./logger.ts";
import { Metrics } from "./metrics.ts";
import { OperatorsListener, PortInUse } from "./operators-listener.ts";

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

function metering() {
  const lines: { msg: string; suppressed?: number }[] = [];
  const sink = { write: (line: string) => void lines.push(JSON.parse(line)) };
  const time = { nowMs: 0 };
  const metrics = new Metrics({
    logger: createLogger({ level: "info", format: "json" }, sink),
    monotonicMs: () => time.nowMs,
  });
  const figure = async (name: string) => {
    const line = (await metrics.scrape()).split("\n").find((each) => each.startsWith(`${name} `));
    return line === undefined ? null : Number(line.slice(name.length + 1));
  };
  return { metrics, figure, lines, time };
}

test("it is an observer as the core wants one", () => {
  const observer: Observer = metering().metrics;
  expect(observer.commandAccepted).toBeFunction();
});

test("counts stand at 0 before anything happened", async () => {
  expect(await metering().figure("whispr_commands_accepted_total")).toBe(0);
});

test("what was accepted, acknowledged, duplicate and refused is counted", async () => {
  const { metrics, figure } = metering();
  metrics.commandAccepted();
  metrics.commandAccepted();
  metrics.commandAcknowledged(1.2);
  metrics.commandDuplicate();
  metrics.refused("overloaded");
  metrics.refused("overloaded");
  metrics.refused("forbidden");
  expect(await figure("whispr_commands_accepted_total")).toBe(2);
  expect(await figure("whispr_commands_acknowledged_total")).toBe(1);
  expect(await figure("whispr_commands_duplicate_total")).toBe(1);
  expect(await figure('whispr_refused_total{code="overloaded"}')).toBe(2);
  expect(await figure('whispr_refused_total{code="forbidden"}')).toBe(1);
});

test("fields that nobody knows are counted by the operation that was asked for", async () => {
  const { metrics, figure } = metering();
  metrics.unknownFields("send_message", 2);
  metrics.unknownFields("send_message", 1);
  metrics.unknownFields("typing", 1);
  expect(await figure('whispr_unknown_fields_total{operation="send_message"}')).toBe(3);
  expect(await figure('whispr_unknown_fields_total{operation="typing"}')).toBe(1);
});

test("a scrape reads and changes nothing: the next one tells the same", async () => {
  const { metrics, figure } = metering();
  metrics.malformedFrame();
  metrics.slowConsumerClosed();
  for (let scrape = 0; scrape < 2; scrape++) {
    expect(await figure("whispr_malformed_frames_total")).toBe(1);
    expect(await figure("whispr_slow_consumers_closed_total")).toBe(1);
  }
});

test("batches are a histogram of rows and of seconds, each bucket with all below it", async () => {
  const { metrics, figure } = metering();
  metrics.batchCommitted(1, 0.3);
  metrics.batchCommitted(120, 3);
  metrics.batchCommitted(9_999, 20_000);
  expect(await figure('whispr_batch_rows_bucket{le="1"}')).toBe(1);
  expect(await figure('whispr_batch_rows_bucket{le="200"}')).toBe(2);
  expect(await figure('whispr_batch_rows_bucket{le="+Inf"}')).toBe(3);
  expect(await figure("whispr_batch_rows_sum")).toBe(10_120);
  expect(await figure('whispr_batch_seconds_bucket{le="0.0005"}')).toBe(1);
  expect(await figure("whispr_batch_seconds_count")).toBe(3);
});

test("a gauge is read at the scrape, from its newest source", async () => {
  const { metrics, figure } = metering();
  let sockets = 3;
  metrics.gauge("sockets", () => -1);
  metrics.gauge("sockets", () => sockets);
  expect(await figure("whispr_sockets")).toBe(3);
  sockets = 5;
  expect(await figure("whispr_sockets")).toBe(5);
});

test("the process tells of its memory, descriptors and the delay of its loop", async () => {
  const { figure } = metering();
  for (const name of [
    "process_resident_memory_bytes",
    "process_open_fds",
    "nodejs_eventloop_lag_p99_seconds",
  ]) {
    expect(await figure(name)).toBeNumber();
  }
});

test("a bug is logged and counted; a flood of them is counted whole and logged in part", async () => {
  const { metrics, figure, lines, time } = metering();
  for (let bug = 0; bug < 1_000; bug++) metrics.bug("somewhere", new Error("why"));
  expect(await figure("whispr_internal_errors_total")).toBe(1_000);
  expect(lines).toHaveLength(50);
  time.nowMs = 1_000;
  metrics.note("it goes on");
  expect(lines.at(-1)).toMatchObject({ msg: "it goes on", suppressed: 950 });
});

describe("the operators' listener", () => {
  function listening(port = 0) {
    const { metrics } = metering();
    const listener = new OperatorsListener({ host: "127.0.0.1", port, metrics });
    ends.push(() => listener.stop());
    return listener;
  }

  test("serves /metrics and nothing else", async () => {
    const { url } = listening();
    const metrics = await fetch(`${url}/metrics`);
    expect(metrics.headers.get("content-type")).toStartWith("text/plain; version=0.0.4");
    expect(await metrics.text()).toContain("# TYPE whispr_commands_accepted_total counter");
    expect((await fetch(`${url}/`)).status).toBe(404);
  });

  test("names a port that is in use, and the way out", () => {
    const port = Number(new URL(listening().url).port);
    expect(() => listening(port)).toThrow(PortInUse);
    expect(() => listening(port)).toThrow(`ADMIN_PORT ${port} on 127.0.0.1 is in use`);
  });

  test("answers 500 and reports a bug when a figure cannot be read", async () => {
    const bugs: string[] = [];
    const metrics = {
      contentType: "text/plain",
      scrape: () => Promise.reject(new Error("broken gauge")),
      bug: (where: string) => void bugs.push(where),
    };
    const listener = new OperatorsListener({ host: "127.0.0.1", port: 0, metrics });
    ends.push(() => listener.stop());
    expect((await fetch(`${listener.url}/metrics`)).status).toBe(500);
    expect(bugs).toEqual(["operators' listener"]);
  });
});

test("a warning is one line per event in 10 s, with how many were left out, and is counted every time", async () => {
  const { metrics, figure, lines, time } = metering();
  for (let nth = 0; nth < 3; nth++) metrics.warn("block_not_applied", { reason: `reason ${nth}` });
  metrics.warn("last_seen_flush_failed");
  expect(lines).toMatchObject([
    { level: "warn", msg: "block_not_applied", reason: "reason 0" },
    { level: "warn", msg: "last_seen_flush_failed" },
  ]);
  time.nowMs = 10_000;
  metrics.warn("block_not_applied", { reason: "again" });
  expect(lines[2]).toMatchObject({ msg: "block_not_applied", reason: "again", suppressed: 2 });
  expect(await figure('whispr_warnings_total{event="block_not_applied"}')).toBe(4);
  expect(await figure('whispr_warnings_total{event="last_seen_flush_failed"}')).toBe(1);
});
