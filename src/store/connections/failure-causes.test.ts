import { expect, test } from "bun:test";
import pg from "pg";
import { causeOf } from "./failure-causes.ts";

function serverError(code: string): pg.DatabaseError {
  return Object.assign(new pg.DatabaseError("no", 2, "error"), { code, severity: "FATAL" });
}

/** What PostgreSQL's documentation lists for starting a session, permissions, resources, operators and the system. */
test.each([
  ..."08000 08001 08003 08004 08006 08P01 0A000 25006 28000 28P01 3D000 3F000 40001 40P01 42501 42P01 42703 42P07".split(
    " ",
  ),
  ..."53000 53100 53200 53300 53400 55000 55P03 57014 57P01 57P02 57P03 57P04 58000 58030 58P01 F0000 XX000 XX001 XX002".split(
    " ",
  ),
])("PostgreSQL's %s is explained with the way out", (code) => {
  expect(causeOf(serverError(code))).toMatch(/; /);
});

test.each([
  "ECONNREFUSED",
  "ENOENT",
  "EACCES",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ETIMEDOUT",
  "ECONNRESET",
])("%s of a connection is explained with the way out", (code) => {
  const error = Object.assign(new Error(`connect ${code}`), { code, syscall: "connect" });
  expect(causeOf(error)).toMatch(/; /);
});

test("what was not foreseen is not explained away", () => {
  expect(causeOf(serverError("22012"))).toBeNull();
  expect(causeOf(new TypeError("x is not a function"))).toBeNull();
  expect(causeOf(Object.assign(new Error("no file"), { code: "ENOENT", syscall: "open" }))).toBeNull();
  expect(causeOf("no")).toBeNull();
});
