import { afterEach, describe, expect, test } from "bun:test";
import type { Observer } from "../core/ports/observer.ts";
import { AdminListener, PortInUse } from "./admin-listener.ts";
import { createLogger } from "./logger.ts";
import { Metrics } from "./metrics.ts";

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

function metering() {
  const lines: { msg: string; event?: string; suppressed?: number }[] = [];
  const sink = { write: (line: string) => void lines.push(JSON.parse(line)) };
  const time = { nowMs: 0 };
  const metrics = new Metrics({
    logger: createLogger({ level: "info", format: "json" }, sink, () => time.nowMs),
    build: { version: "1.2.3", commit: "abc" },
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

test("the process tells of its memory and descriptors", async () => {
  const { figure } = metering();
  for (const name of ["process_resident_memory_bytes", "process_open_fds", "process_max_fds"]) {
    expect(await figure(name)).toBeNumber();
  }
});

test("it tells of its version", async () => {
  const bun = Bun.version;
  expect(await metering().figure(`whispr_build_info{version="1.2.3",commit="abc",bun="${bun}"}`)).toBe(1);
});

test("requests are measured by method, template and class of status", async () => {
  const { metrics, figure } = metering();
  const route = "/api/v1/messages/:id";
  metrics.requestAnswered({ method: "GET", route, status: 200, tookMs: 7 });
  metrics.requestAnswered({ method: "GET", route, status: 201, tookMs: 70 });
  metrics.requestAnswered({ method: "GET", route, status: 404, tookMs: 700 });
  const name = "whispr_http_request_duration_seconds";
  const of = (status: string) => `method="GET",route="${route}",status="${status}"`;
  expect(await figure(`${name}_bucket{${of("2xx")},le="0.01"}`)).toBe(1);
  expect(await figure(`${name}_count{${of("2xx")}}`)).toBe(2);
  expect(await figure(`${name}_sum{${of("4xx")}}`)).toBe(0.7);
});

test("the store is measured by reads and by the question whether it is there", async () => {
  const { metrics, figure } = metering();
  metrics.storeAnswered("ping", 2);
  expect(await figure('whispr_store_seconds_bucket{doing="ping",le="0.0025"}')).toBe(1);
});

test("two scrapers do not disturb each other: nothing is since the last scrape", async () => {
  const { metrics } = metering();
  metrics.loopLate(700);
  const ours = async () => (await metrics.scrape()).split("\n").filter((line) => line.startsWith("whispr_"));
  const first = await ours();
  expect(await ours()).toEqual(first);
  expect(first).toContain('whispr_event_loop_lag_seconds_bucket{le="1"} 1');
  expect(await metrics.scrape()).not.toMatch(/nodejs_(active|eventloop)/);
});

test("every incident is a series from the start, so that a rate sees the first one", async () => {
  const { metrics, figure } = metering();
  expect(await figure('whispr_errors_total{event="disk_full"}')).toBe(0);
  expect(await figure('whispr_warnings_total{event="proxy_not_trusted"}')).toBe(0);
  metrics.error("disk_full", { reason: "why" });
  expect(await figure('whispr_errors_total{event="disk_full"}')).toBe(1);
});

test("a bug is logged and counted; a flood of them is counted whole and logged in part", async () => {
  const { metrics, figure, lines, time } = metering();
  for (let bug = 0; bug < 1_000; bug++) metrics.bug("somewhere", new Error("why"));
  expect(await figure("whispr_internal_errors_total")).toBe(1_000);
  expect(lines).toHaveLength(10);
  time.nowMs = 10_000;
  metrics.bug("somewhere", new Error("why"));
  expect(lines.at(-1)).toMatchObject({ event: "internal_error", where: "somewhere", suppressed: 990 });
});

describe("the admin listener", () => {
  function listening(port = 0) {
    const { metrics } = metering();
    const listener = new AdminListener({ host: "127.0.0.1", port, metrics });
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
    const listener = new AdminListener({ host: "127.0.0.1", port: 0, metrics });
    ends.push(() => listener.stop());
    expect((await fetch(`${listener.url}/metrics`)).status).toBe(500);
    expect(bugs).toEqual(["admin listener"]);
  });
});
