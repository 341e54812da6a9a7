import { Command } from "commander";
import type { Followed } from "../src/store/change-block.ts";
import { noteCommand } from "./admin-note.ts";
import { CommandRefused, exitCodes } from "./exit-codes.ts";
import { print, printJson } from "./print.ts";
import { settingsOf, withSettings } from "./setting-options.ts";
import { version } from "./version.ts";

/** How long a running server may take to apply a block. */
const waitMs = 5_000;

const examples = "0198c0de-0000-7000-8000-00000000a11c 0198c0de-0000-7000-8000-000000000b0b";

/** Hides the direct conversation of the two from the blocked user. */
export function blockCommand(): Command {
  return changing("block", "hide the direct conversation of two users from one of them", true);
}

export function unblockCommand(): Command {
  return changing("unblock", "show the direct conversation to a blocked user again, with its history", false);
}

function changing(name: "block" | "unblock", description: string, isBlocked: boolean): Command {
  const command = new Command(name)
    .description(description)
    .argument("<blocker>", "the user id of the user who blocks")
    .argument("<blocked>", "the user id of the other user")
    .option("--json", "as JSON: blocker, blocked, isBlocked, outcome (applied, no_server or server_is_late)")
    .addHelpText(
      "after",
      `\nIt is applied at once while whispr-msg runs, else when it starts. Common groups of the two stay as they are.\n\nExamples:\n  whispr-msg admin ${name} ${examples}\n  DATABASE_URL=postgres://… whispr-msg admin ${name} ${examples}`,
    )
    .action((blocker: string, blocked: string, options: { json?: true }) =>
      change(command, [blocker, blocked], isBlocked, options.json === true),
    );
  return withSettings(command, ["dataDir", "databaseUrl"]);
}

async function change(
  command: Command,
  given: readonly [blocker: string, blocked: string],
  isBlocked: boolean,
  asJson: boolean,
): Promise<void> {
  const { toUuid } = await import("../src/core/ports/ids.ts");
  const [blockerId, blockedId] = given.map((text) => {
    const id = toUuid(text);
    if (id === null) throw new CommandRefused(`"${text}" is not a UUID.`, exitCodes.usage);
    return id;
  }) as [string, string];
  if (blockerId === blockedId) {
    throw new CommandRefused("A user cannot block themselves: name two users.", exitCodes.usage);
  }
  const { config } = settingsOf(command, "tool");
  const { withExistingDatabase } = await import("./database-url.ts");
  const { changeBlock } = await import("../src/store/change-block.ts");
  const { checkSchema } = await import("../src/store/schema/migrator.ts");
  const { systemClock } = await import("../src/system.ts");
  const followed = await withExistingDatabase(config, async (url) => {
    await checkSchema({ url, binary: version });
    const command = isBlocked ? "admin block" : "admin unblock";
    await noteCommand(config, url, { command, target: `${blockerId} ${blockedId}` });
    const asked = { blockerId, blockedId, isBlocked, atUs: systemClock.nowUs() };
    return changeBlock(url, asked, waitMs);
  });
  if (asJson) return printJson({ blocker: blockerId, blocked: blockedId, isBlocked, outcome: followed });
  print(`${isBlocked ? "blocked" : "unblocked"}: ${outcomes[followed]}`);
}

const outcomes: Readonly<Record<Followed, string>> = {
  applied: "applied",
  no_server: "stored; it is applied when whispr-msg starts",
  server_is_late: `stored; the running whispr-msg has not applied it within ${waitMs / 1_000} s, and applies it as soon as it can`,
};
