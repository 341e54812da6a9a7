import { expect, test } from "bun:test";
import { join } from "node:path";
import { asyncApiText, openApiText } from "../src/operations/documents/texts.ts";
import { version } from "./version.ts";

function whisprMsg(...args: string[]) {
  const { stdout, exitCode } = Bun.spawnSync([process.execPath, join(import.meta.dir, "main.ts"), ...args]);
  return { exitCode, text: stdout.toString() };
}

test("whispr-msg openapi and asyncapi print the documents of this version", () => {
  expect(whisprMsg("openapi")).toEqual({ exitCode: 0, text: openApiText(version) });
  expect(whisprMsg("asyncapi")).toEqual({ exitCode: 0, text: asyncApiText(version) });
});

test.each(["openapi", "asyncapi"])("whispr-msg %s --help has examples", (command) => {
  expect(whisprMsg(command, "--help")).toMatchObject({
    exitCode: 0,
    text: expect.stringContaining(`whispr-msg ${command} >`),
  });
});
