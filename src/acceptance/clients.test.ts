import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { contents, type Played, play, steps } from "../testing/foreign-clients/play.ts";
import { type Program, preparePrograms } from "../testing/foreign-clients/programs.ts";
import { Stage } from "../testing/foreign-clients/stage.ts";
import { notRun } from "../testing/not-run.ts";

/**
 * Clients of other people's libraries against the whole server: join, send, receive, read, presence, a frame that is too large, leave, join
 * again, `kill -9` of the server and its return, a token that expires, a bad token. What is to be done is in `testing/foreign-clients/play.ts`.
 */

const prepared = await preparePrograms();
const programs = prepared.filter((each) => "command" in each);
const played = new Map<string, Played>();
let stage: Stage;

beforeAll(async () => {
  stage = await Stage.open(programs.length);
  const plays = programs.map(async ({ name, command }: Program) => {
    played.set(name, await play(stage, command));
  });
  await Promise.all(plays);
}, 600_000);
afterAll(() => stage[Symbol.asyncDispose](), 120_000);

describe("every step is played by", () => {
  for (const { name } of programs)
    test(name, () => {
      const { steps: done, history, output } = played.get(name)!;
      expect({ done, output: done.length === steps.length ? "" : output }).toEqual({
        done: [...steps],
        output: "",
      });
      expect(history).toEqual(contents);
    });
  for (const each of prepared) {
    if ("notRun" in each) notRun(each.name, each.notRun);
    if ("broken" in each) test(each.name, () => expect(each.broken).toBe(""));
  }
});
