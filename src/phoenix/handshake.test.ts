import { describe, expect, test } from "bun:test";
import { readToken, speaksOurVersion } from "./handshake.ts";

const at = (query: string, subprotocols?: string) =>
  new Request(`http://x/socket/websocket${query}`, {
    headers: subprotocols === undefined ? {} : { "sec-websocket-protocol": subprotocols },
  });

describe("the token of a handshake", () => {
  test("is the query parameter where there is one", () => {
    expect(readToken(at("?token=a.b.c"))).toEqual({ token: "a.b.c", subprotocol: undefined });
    expect(readToken(at(""))).toEqual({ token: undefined, subprotocol: undefined });
  });

  test("is phoenix 1.8's authToken, with phoenix to be echoed, before the query", () => {
    const encoded = Buffer.from("a.b_c-d").toString("base64url");
    expect(readToken(at("?token=old", `phoenix, base64url.bearer.phx.${encoded}`))).toEqual({
      token: "a.b_c-d",
      subprotocol: "phoenix",
    });
  });

  test("nothing is echoed that was not offered, and garbage is only a wrong token", () => {
    expect(readToken(at("?token=t", "graphql")).subprotocol).toBeUndefined();
    expect(typeof readToken(at("", "phoenix, base64url.bearer.phx.%%%")).token).toBe("string");
  });
});

test("version 2 of the serializer is spoken; none named, which means 1.0.0, and others are refused", () => {
  const spoken = ["?vsn=2.0.0", "?vsn=2.1.3", "?vsn=2", "?vsn=1.0.0&vsn=2.0.0"];
  expect(spoken.filter((query) => !speaksOurVersion(at(query)))).toEqual([]);
  const others = ["", "?vsn=1.0.0", "?vsn=3.0.0", "?vsn=", "?vsn=20", "?vsn=2.x", "?vsn=2.0.0&vsn=1.0.0"];
  expect(others.filter((query) => speaksOurVersion(at(query)))).toEqual([]);
});
