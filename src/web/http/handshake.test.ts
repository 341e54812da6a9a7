import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { VirtualClock } from "../../testing/clock.ts";
import { eventually } from "../../testing/eventually.ts";
import { Fixture } from "../../testing/web/fixture.ts";

const anna = "0192a7c0-0000-7000-8000-00000000000a";
let web: Fixture;
beforeEach(() => {
  // Time stands still, so no arrival ends by its time.
  web = new Fixture({ clock: new VirtualClock(), settings: { maxSocketsPerUser: 1 } });
});
afterEach(() => web.stop());

const arrivals = () => web.gauge("arrivals");
const handshake = (token: string, more: Readonly<Record<string, string>> = {}) =>
  fetch(`${web.url}/socket/websocket?vsn=2.0.0&token=${token}`, {
    headers: {
      connection: "Upgrade",
      upgrade: "websocket",
      "sec-websocket-version": "13",
      "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
      ...more,
    },
  });

describe("a handshake takes no place", () => {
  test("before it is known whose it is, however many tokens are being verified", async () => {
    const { promise: verified, resolve } = Promise.withResolvers<void>();
    web.tokens.gate = verified;
    const all = Array.from({ length: 100 }, () => handshake("none"));
    await eventually("as many tokens as may be are being verified", () => web.tokens.verified === 32).finally(
      resolve,
    );
    expect(arrivals()).toBe(0);
    expect(new Set((await Promise.all(all)).map(({ status }) => status))).toEqual(new Set([401]));
    expect([arrivals(), web.handshakes.includes("admitted")]).toEqual([0, false]);
  });

  test("when its user has as many sockets as may be", async () => {
    await web.socketOf(anna);
    for (let each = 0; each < 3; each++) await expect(web.socketOf(anna)).rejects.toThrow();
    expect(web.handshakes).toEqual(["admitted", "user_sockets", "user_sockets", "user_sockets"]);
  });

  test("when it comes from a page that may not connect, and the log names the page", async () => {
    await web.stop();
    web = new Fixture({ clock: new VirtualClock(), settings: { corsOrigins: ["https://app.example.org"] } });
    const refused = await handshake("none", { origin: "https://evil.example" });
    expect([refused.status, await refused.json()]).toEqual([
      403,
      { error: "forbidden", message: expect.stringContaining("CORS_ALLOWED_ORIGINS") },
    ]);
    expect((await handshake("none", { origin: "https://app.example.org" })).status).toBe(401);
    expect(web.handshakes).toEqual(["origin", "unauthorized"]);
    expect(web.warnings).toContainEqual({ event: "origin_refused", origin: "https://evil.example" });
  });
});

describe("a handshake gives its place back at once", () => {
  test("when its token is refused", async () => {
    expect((await handshake("none")).status).toBe(401);
    expect(arrivals()).toBe(0);
  });

  test("when its token cannot be verified because of a bug", async () => {
    web.revoked.has = () => {
      throw new Error("a bug");
    };
    await expect(web.socketOf(anna)).rejects.toThrow();
    expect(web.bugs).toHaveLength(1);
    expect(arrivals()).toBe(0);
  });

  test("when its user has as many sockets as may be, and when a socket is closed before it joins", async () => {
    const socket = await web.socketOf(anna);
    expect(arrivals()).toBe(1);
    await expect(web.socketOf(anna)).rejects.toThrow();
    expect(web.handshakes).toContain("user_sockets");
    expect(arrivals()).toBe(1);
    socket.close();
    await eventually("its place is free", () => arrivals() === 0);
  });
});
