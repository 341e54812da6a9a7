import { describe, expect, test } from "bun:test";
import { originRefusal } from "./origins.ts";

const allowed = ["https://app.example.org", "http://localhost:3000", "capacitor://localhost"];

function isAllowed(
  headers: Readonly<Record<string, string>>,
  origins: "*" | readonly string[] = allowed,
): boolean {
  const request = { headers: new Headers({ host: "api.example.org:4000", ...headers }) } as Request;
  return originRefusal(request, origins) === null;
}

describe("a socket may be opened", () => {
  test("by a client that names no origin, and by any page where any origin is allowed", () => {
    expect(isAllowed({})).toBe(true);
    for (const origin of ["https://evil.example", "null", "nonsense"])
      expect(isAllowed({ origin }, "*")).toBe(true);
  });

  test.each([
    "https://app.example.org",
    "HTTPS://App.Example.ORG",
    "https://app.example.org:443",
    "http://localhost:3000",
    "capacitor://localhost",
  ])("by a page of an origin that is named: %s", (origin) => {
    expect(isAllowed({ origin })).toBe(true);
  });

  test.each([
    [{ origin: "http://api.example.org:4000" }],
    [{ origin: "https://API.example.org:4000" }],
    [{ origin: "https://api.example.org", host: "api.example.org" }],
    [{ origin: "https://api.example.org", host: "API.example.org:443" }],
    [{ origin: "http://[::1]:4000", host: "[::1]:4000" }],
    [{ origin: "https://chat.example.org", "x-forwarded-host": "chat.example.org" }],
    [{ origin: "https://chat.example.org", "x-forwarded-host": "chat.example.org, inner" }],
  ])("by our own pages, and by clients that name the address they connect to: %j", (headers) => {
    expect(isAllowed(headers, ["https://app.example.org"])).toBe(true);
  });
});

describe("a socket may not be opened", () => {
  test.each([
    [{ origin: "https://evil.example" }],
    [{ origin: "null" }],
    [{ origin: "" }],
    [{ origin: "nonsense" }],
    [{ origin: "http://app.example.org" }],
    [{ origin: "https://app.example.org:8443" }],
    [{ origin: "https://app.example.org.evil.example" }],
    [{ origin: "https://evil.example, https://app.example.org" }],
    [{ origin: "https://api.example.org:4001" }],
    [{ origin: "http://api.example.org" }],
    [{ origin: "file://" }],
    [{ origin: "https://user@evil.example" }],
    [{ origin: "null", host: "null" }],
    [{ origin: "https://", host: "" }],
  ])("by other pages: %j", (headers) => {
    expect(isAllowed(headers)).toBe(false);
  });
});
