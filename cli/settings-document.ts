// Writes docs/settings.md from src/settings.ts. `bun cli/settings-document.ts` after a change of it. Not a command of the product.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Setting, settings } from "../src/settings.ts";
import { fallbackOf } from "./setting-options.ts";

export const settingsPath = join(import.meta.dir, "../docs/settings.md");

const head = `# Settings

Every setting is an environment variable; some have an option of \`serve\` and \`dev\` too, and an option wins over its variable. An empty variable
counts as not set. A wrong value refuses the start, with what is allowed. A misspelt \`WHISPR_…\` or \`LIMIT_…\` name refuses the start too and names
the nearest setting. \`whispr-msg config\` shows the value of each setting, and where it comes from.

Written from \`src/settings.ts\` by \`bun cli/settings-document.ts\`.
`;

/** The sections of the page. A setting is listed in the first one that its first variable fits. */
const sections: readonly (readonly [title: string, variables: RegExp])[] = [
  ["Tokens", /^JWT_/],
  ["Database", /^(DATABASE_URL|DB_|WHISPR_(DATA_DIR|POSTGRES_USER|AUTO_MIGRATE|LANES|BATCH_))/],
  ["Limits", /^LIMIT_/],
  ["Messages and users", /^(MAX_MESSAGE_SIZE|WHISPR_(MAX_METADATA|EDIT|DELETE)_|FIRST_CONTACT|PRESENCE_)/],
  ["Sockets and memory", /^(WS_|WHISPR_(MAX|SEND|COMMAND)_)/],
  ["Server", /./],
];

export function settingsDocument(): string {
  const all = Object.values(settings) as readonly Setting<unknown>[];
  const titleOf = ({ variables }: Setting<unknown>) =>
    sections.find(([, fits]) => fits.test(variables[0]))![0];
  const tables = [...sections.slice(-1), ...sections.slice(0, -1)].map(([title]) =>
    [`\n## ${title}\n`, ...tableHead, ...all.filter((each) => titleOf(each) === title).map(rowOf)].join("\n"),
  );
  return `${head}${tables.join("\n")}\n`;
}

const tableHead = ["| setting | what it sets | default | allowed |", "|---|---|---|---|"];

function rowOf(setting: Setting<unknown>): string {
  const names = [
    ...setting.variables.map((name) => `\`${name}\``),
    ...(setting.flag ? [`\`--${setting.flag}\``] : []),
  ];
  const cells = [names.join(", "), setting.about, fallbackOf(setting), setting.kind.allowed];
  return `| ${cells.map((text) => text.replaceAll("|", "\\|")).join(" | ")} |`;
}

if (import.meta.main) writeFileSync(settingsPath, settingsDocument());
