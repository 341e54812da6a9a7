import { expect, test } from "bun:test";
import { runCommand } from "../src/testing/processes/command.ts";

/** Names in the environment of the executable that are no settings of it. */

const former = { SECRET_KEY_BASE: "hunter2", GRPC_PORT: "50052", MOD_BAN_DAYS: "14" };
/** Nothing listens there, so that a start ends by itself. */
const nowhere = { DATABASE_URL: "postgres://127.0.0.1:1/x", PORT: "0", ADMIN_PORT: "0" };

test.each([["serve"], ["dev"]])(
  "%s names those of the former service once, in one warning",
  async (command) => {
    const environment = { ...former, ...nowhere, JWT_JWKS_URL: "http://127.0.0.1:1/", HOME: "/tmp" };
    const { err, out } = await runCommand([command], environment);
    const lines = err.split("\n").filter((line) => line.includes("former messaging service"));
    expect(lines).toEqual([
      "warning: settings of the former messaging service that have no effect here: SECRET_KEY_BASE, GRPC_PORT, MOD_BAN_DAYS. What there is instead: whispr-msg config.",
    ]);
    expect(out + err).not.toContain("hunter2");
  },
);

test("config shows them with what there is instead, without their values", async () => {
  const { code, out, err } = await runCommand(["config"], former);
  expect(code).toBe(0);
  expect(out).toMatch(/^SECRET_KEY_BASE +\(no effect\) .*it verifies tokens with JWT_JWKS_URL$/m);
  expect(out).toMatch(/^GRPC_PORT +\(no effect\) /m);
  const rows: { variable: string }[] = JSON.parse((await runCommand(["config", "--json"], former)).out);
  expect(rows.map(({ variable }) => variable)).toContain("MOD_BAN_DAYS");
  expect(out + err).not.toContain("hunter2");
});

test.each([[["serve"]], [["dev"]], [["migrate", "status"]], [["admin", "new-generation"]]])(
  "%j refuses a misspelt name with the nearest one and 2",
  async (command) => {
    const environment = {
      ...nowhere,
      JWT_JWKS_URL: "http://127.0.0.1:1/",
      WHISPR_DATADIR: "/x",
      LIMIT_USER: "1",
    };
    const { code, err } = await runCommand(command, environment);
    expect(code).toBe(2);
    expect(err).toContain("WHISPR_DATADIR is not a setting; did you mean WHISPR_DATA_DIR?");
    expect(err).toContain("LIMIT_USER is not a setting; did you mean LIMIT_USER_MESSAGES_PER_MIN?");
  },
);

test("config and doctor go on, and say what would be refused", async () => {
  const environment = { ...nowhere, ...former, WHISPR_DATADIR: "/x" };
  const shown = await runCommand(["config"], environment);
  expect(shown.code).toBe(0);
  expect(shown.err).toContain(
    "warning: WHISPR_DATADIR is not a setting; did you mean WHISPR_DATA_DIR? serve and dev refuse to start with it.",
  );
  const examined = await runCommand(["doctor"], environment);
  expect(examined.code).toBe(1);
  expect(examined.out).toMatch(
    /fail +settings: WHISPR_DATADIR is not a setting; did you mean WHISPR_DATA_DIR\?/,
  );
  expect(examined.out).toMatch(/warn +settings: without effect here, of the former service: SECRET_KEY_BASE/);
});
