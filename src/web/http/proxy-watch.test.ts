import { afterEach, describe, expect, test } from "bun:test";
import { handshakeText, RawConnection } from "../../testing/clients/raw-connection.ts";
import { VirtualClock } from "../../testing/clock.ts";
import { Fixture } from "../../testing/web/fixture.ts";
import { tokenOf } from "../../testing/web/open-tokens.ts";

const anna = Bun.randomUUIDv7();
let web: Fixture;
afterEach(() => web.stop());

function serving(trustedProxies: readonly string[]): void {
  web = new Fixture({ clock: new VirtualClock(), settings: { trustedProxies } });
}

async function handshake(headers: Readonly<Record<string, string>>): Promise<number> {
  const path = `/socket/websocket?vsn=2.0.0&token=${tokenOf({ userId: anna })}`;
  const connection = await RawConnection.sending(web.url, handshakeText(path, headers));
  const { status } = await connection.settled();
  connection.close();
  return status!;
}

describe("C4: a proxy that is not trusted", () => {
  test.each(["x-forwarded-for", "X-Real-IP", "Forwarded"])("is warned of by its %s", async (name) => {
    serving([]);
    expect(await handshake({ [name]: "for=198.51.100.1" })).toBe(101);
    expect(web.warnings).toEqual([
      { event: "proxy_not_trusted", peer: "127.0.0.1", header: name.toLowerCase() },
    ]);
  });

  test("is warned of by a request over REST as well", async () => {
    serving(["192.0.2.7"]);
    await web.fetch("GET", "/api/v1/conversations", { as: anna, headers: { "x-forwarded-for": "1.1.1.1" } });
    expect(web.warnings).toMatchObject([{ event: "proxy_not_trusted" }]);
  });

  test("who comes without one is no proxy", async () => {
    serving([]);
    expect(await handshake({})).toBe(101);
    expect(web.warnings).toEqual([]);
  });
});

describe("C4: a trusted proxy", () => {
  test("that names its client is as it should be", async () => {
    serving(["127.0.0.0/8"]);
    expect(await handshake({ "x-forwarded-for": "garbage, 198.51.100.1" })).toBe(101);
    expect(web.warnings).toEqual([]);
  });

  test.each([
    ["missing", {}],
    ["missing", { forwarded: "for=198.51.100.1" }],
    ["unreadable", { "x-forwarded-for": "unknown" }],
    ["unreadable", { "x-forwarded-for": "198.51.100.1, _hidden" }],
    ["unreadable", { "x-forwarded-for": "' or 1=1" }],
  ])("whose x-forwarded-for is %s hides its clients, and is warned of", async (found, headers) => {
    serving(["127.0.0.1"]);
    expect(await handshake(headers as Record<string, string>)).toBe(101);
    expect(web.warnings).toEqual([
      { event: "client_address_unknown", peer: "127.0.0.1", "x-forwarded-for": found },
    ]);
  });
});
