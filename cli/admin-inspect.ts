import { Command } from "commander";
import { integer } from "../src/setting-values.ts";
import type { Page } from "../src/store/inspect/snapshot.ts";
import { noteCommand } from "./admin-note.ts";
import { CommandRefused, exitCodes } from "./exit-codes.ts";
import { conversationSheet, messageSheet, userSheet } from "./inspection-sheets.ts";
import { print, printJson } from "./print.ts";
import { settingsOf, withSettings } from "./setting-options.ts";
import { version } from "./version.ts";

interface Options {
  readonly json?: true;
  readonly limit: string;
  readonly offset: string;
}

/** What can be inspected: read in one snapshot, and formatted for people. */
interface Subject<Found> {
  readonly name: string;
  readonly about: string;
  /** What a page lists. */
  readonly pageOf: string;
  /** Says where its id is found. */
  readonly whence: string;
  readonly read: (url: string, id: string, page: Page) => Promise<Found | null>;
  readonly sheet: (found: Found) => string;
}

const exampleId = "0198c0de-0000-7000-8000-00000000a11c";

export function inspectCommand(): Command {
  return new Command("inspect")
    .description("show what is stored: never content")
    .addHelpText(
      "after",
      `\nExamples:\n  whispr-msg admin inspect conversation ${exampleId}\n  whispr-msg admin inspect message ${exampleId}\n  whispr-msg admin inspect user ${exampleId} --json`,
    )
    .addCommand(conversationCommand())
    .addCommand(messageCommand())
    .addCommand(userCommand());
}

function conversationCommand(): Command {
  return subjectCommand({
    name: "conversation",
    about:
      "show the head, the owner and the members of a conversation, with what they have not received or read",
    pageOf: "members",
    whence: "the `id` of a conversation in the API's answers",
    read: async (...asked) =>
      (await import("../src/store/inspect/conversation.ts")).inspectConversation(...asked),
    sheet: conversationSheet,
  });
}

function messageCommand(): Command {
  return subjectCommand({
    name: "message",
    about: "show the place, sizes and times of a message, and to whom it was delivered",
    pageOf: "recipients",
    whence: "the `id` of a message in the API's answers",
    read: async (...asked) => (await import("../src/store/inspect/message.ts")).inspectMessage(...asked),
    sheet: messageSheet,
  });
}

function userCommand(): Command {
  return subjectCommand({
    name: "user",
    about: "show the conversations, roles and blocks of a user, and how far their devices are behind",
    pageOf: "conversations",
    whence:
      "the user id: the subject (`sub`) of the user's tokens, or what `whispr-msg admin user-id` prints for it",
    read: async (...asked) => (await import("../src/store/inspect/user.ts")).inspectUser(...asked),
    sheet: userSheet,
  });
}

function subjectCommand<Found>(subject: Subject<Found>): Command {
  const { name, about, pageOf } = subject;
  const command = new Command(name)
    .description(`${about}: never content`)
    .argument("<id>", `uuid: ${subject.whence}`)
    .option("--json", "as JSON (the default for a pipe)")
    .option("--limit <number>", `maximum ${pageOf} to show, up to 1000`, "100")
    .option("--offset <number>", `${pageOf} to skip`, "0")
    .addHelpText(
      "after",
      `\nExamples:\n  whispr-msg admin inspect ${name} ${exampleId}\n  whispr-msg admin inspect ${name} ${exampleId} --limit 10 --offset 10\n  DATABASE_URL=postgres://whispr@db/whispr whispr-msg admin inspect ${name} ${exampleId} --json`,
    )
    .action((id: string, options: Options) => inspect(command, subject, id, options));
  return withSettings(command, ["dataDir", "databaseUrl"]);
}

async function inspect<Found>(
  command: Command,
  { name, whence, read, sheet }: Subject<Found>,
  given: string,
  options: Options,
): Promise<void> {
  const { toUuid } = await import("../src/core/ports/ids.ts");
  const id = toUuid(given);
  if (id === null) throw new CommandRefused(`"${given}" is not a UUID. Give ${whence}.`, exitCodes.usage);
  const page = {
    limit: numberOf("limit", options.limit, 1, 1_000),
    offset: numberOf("offset", options.offset, 0, 10_000_000),
  };
  const { config } = settingsOf(command, "tool");
  const { withExistingDatabase } = await import("./database-url.ts");
  const { checkSchema } = await import("../src/store/schema/migrator.ts");
  const found = await withExistingDatabase(config, async (url) => {
    await checkSchema({ url, binary: version });
    await noteCommand(config, url, { command: `admin inspect ${name}`, target: id });
    return read(url, id, page);
  });
  if (!found)
    throw new CommandRefused(
      `There is no ${name} ${id} in this database. Give ${whence}; another database is named by --data-dir or --database-url.`,
    );
  if (options.json || process.stdout.isTTY !== true) printJson(found);
  else print(sheet(found));
}

function numberOf(option: string, text: string, lowest: number, highest: number): number {
  const value = integer(lowest, highest).parse(text);
  if (value !== undefined) return value;
  throw new CommandRefused(
    `--${option} is "${text}"; allowed: a whole number from ${lowest} to ${highest}.`,
    exitCodes.usage,
  );
}
