import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { RawConnection } from "../../testing/clients/raw-connection.ts";
import { VirtualClock } from "../../testing/clock.ts";
import { eventually } from "../../testing/eventually.ts";
import { Fixture } from "../../testing/web/fixture.ts";

let web: Fixture;
beforeAll(() => {
  web = new Fixture({ clock: new VirtualClock() });
});
afterAll(() => web.stop());

const count = 5_000;

/** As many requests as one write brings, which nobody waits for. */
function pipelined(request: string): Promise<RawConnection> {
  return RawConnection.sending(web.url, `${request}\r\nHost: a\r\n\r\n`.repeat(count));
}

function answersOn({ received }: RawConnection): number {
  return received.split("HTTP/1.1 ").length - 1;
}

describe("requests that are written without waiting for their answers, and need nothing to be answered,", () => {
  test.each([
    "GET /nothing HTTP/1.1",
    "GET /live HTTP/1.1",
    "GET /api/v1/conversations HTTP/1.1",
    "GET /socket/websocket HTTP/1.1",
  ])("end their connection instead of the turns of everybody else: %s", async (request) => {
    const connection = await pipelined(request);
    await eventually("the end of the connection", () => connection.isClosed);
    expect(answersOn(connection)).toBeLessThan(count / 10);
    expect(connection.received).toContain("HTTP/1.1 ");
  });
});

test("a connection on which each request waits for the answer before it stays open for any number of them", async () => {
  const connection = await RawConnection.open(web.url);
  for (let sent = 1; sent <= 100; sent++) {
    connection.send("GET /live HTTP/1.1\r\nHost: a\r\n\r\n");
    await eventually("the answer", () => answersOn(connection) === sent);
  }
  expect(connection.isClosed).toBe(false);
  connection.close();
});
