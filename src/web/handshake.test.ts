import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { VirtualClock } from "../testing/clock.ts";
import { eventually } from "../testing/eventually.ts";
import { Fixture } from "./fixture/fixture.ts";

const anna = "0192a7c0-0000-7000-8000-00000000000a";
let web: Fixture;
beforeEach(() => {
  // Time stands still, so no arrival ends by its time.
  web = new Fixture({ clock: new VirtualClock(), settings: { maxSocketsPerUser: 1 } });
});
afterEach(() => web.stop());

const arrivals = () => web.gauge("arrivals");
const handshake = (token: string) =>
  fetch(`${web.url}/socket/websocket?vsn=2.0.0&token=${token}`, {
    headers: {
      connection: "Upgrade",
      upgrade: "websocket",
      "sec-websocket-version": "13",
      "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
    },
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
