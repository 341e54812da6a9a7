import { Command } from "commander";
import type { App } from "../src/app.ts";
import type { Config } from "../src/config.ts";
import type { ExtraRoutes } from "../src/web/endpoint-options.ts";
import { CommandRefused, exitCodes } from "./exit-codes.ts";
import { coloured, print } from "./print.ts";
import { settingsOf, withSettings } from "./setting-options.ts";
import type { SigningKey } from "./signing-key.ts";

const jwksPath = "/auth/.well-known/jwks.json";
/** Printed tokens may stay in a log, so they are short-lived; each start prints new ones. */
const tokenTtlMs = 24 * 3_600_000;
/** The page renews its token by itself. */
const pageTokenTtlMs = 15 * 60_000;

/** The same ids at every start, so that their conversations are found again. */
const alice = { id: "0198c0de-0000-7000-8000-00000000a11c", name: "Alice" };
const bob = { id: "0198c0de-0000-7000-8000-000000000b0b", name: "Bob" };
const sampleUsers = [
  alice,
  bob,
  { id: "0198c0de-0000-7000-8000-00000000c10e", name: "Chloé" },
  { id: "0198c0de-0000-7000-8000-0000000d1e60", name: "Diego" },
  { id: "0198c0de-0000-7000-8000-0000000000e3", name: "Emi" },
] as const;

export function devCommand(): Command {
  const command = new Command("dev")
    .description(
      "serve for development, with its own keys, a playground, tokens for two users, and the PostgreSQL that it carries unless DATABASE_URL is set",
    )
    .option("--reset", "first remove the data of the embedded database, after asking")
    .option("--yes", "with --reset: do not ask")
    .addHelpText(
      "after",
      `
Examples:
  whispr-msg dev
  PORT=4001 whispr-msg dev --reset
  DATABASE_URL=postgres://localhost/whispr whispr-msg dev

Exit codes: 0 stopped; 1 it failed, or the stop took too long; 2 wrong settings; 3 another process has the port or the data directory.`,
    )
    .action((options: ResetOptions) => dev(command, options));
  return withSettings(command);
}

interface ResetOptions {
  readonly reset?: true;
  readonly yes?: true;
}

async function dev(command: Command, options: ResetOptions): Promise<void> {
  const given = settingsOf(command, "dev").config;
  const { runApp } = await import("./running.ts");
  const { explained } = await import("./explain.ts");
  const { openDevKey } = await import("./signing-key.ts");
  if (options.reset) await explained(given, () => reset(given, options.yes === true));
  const key = await explained(given, () => openDevKey(given.dataDir));
  const config = withOwnKeys(given, key);
  const { referenceRoutes } = await import("./reference-page.ts");
  const docs = config.docs ? await referenceRoutes() : [];
  const extraRoutes = new Map([...publishedKeys(key), ...(await page(config, key)), ...docs]);
  await runApp({ config, mode: "dev", extraRoutes }, (app) => void welcome(app, config, key));
}

async function reset({ database, dataDir }: Config, isSure: boolean): Promise<void> {
  if (database.type !== "embedded") {
    throw new CommandRefused(
      "--reset removes only the embedded database. DATABASE_URL is set, and its data is not removed.",
      exitCodes.usage,
    );
  }
  const { resetDataDirectory } = await import("./reset.ts");
  await resetDataDirectory(dataDir, { isSure });
}

/** Replaces configured keys (JWT_JWKS_URL …) by the key of dev, because the printed tokens must be accepted. */
function withOwnKeys(config: Config, key: SigningKey): Config {
  return { ...config, tokens: { ...config.tokens, keys: { type: "given", keys: [key.publicJwk] } } };
}

function publishedKeys(key: SigningKey): ExtraRoutes {
  return new Map([[`GET ${jwksPath}`, () => Response.json({ keys: [key.publicJwk] })]]);
}

/** Returns the routes of the playground, where a visitor may be any of the sample users. */
async function page(config: Config, key: SigningKey): Promise<ExtraRoutes> {
  if (!config.playground) return new Map();
  const { playground } = await import("./playground.ts");
  const { tokenRoute } = await import("../src/playground/token-route.ts");
  const { signToken } = await import("./signing-key.ts");
  const { issuer, audiences } = config.tokens;
  const minted = tokenRoute({
    users: sampleUsers,
    ttlMs: pageTokenTtlMs,
    sign: ({ userId, ...given }) =>
      signToken(key, { subject: userId, ...given, issuer, audience: audiences[0]! }),
  });
  const toPage = () => new Response(null, { status: 302, headers: { location: "/playground" } });
  return new Map([["GET /", toPage], ...(await playground(sampleUsers, config)), ...minted]);
}

async function welcome(app: App, config: Config, key: SigningKey): Promise<void> {
  const { signToken } = await import("./signing-key.ts");
  const { issuer, audiences } = config.tokens;
  const tokenOf = (subject: string) =>
    signToken(key, { subject, deviceId: "dev", issuer, audience: audiences[0]!, ttlMs: tokenTtlMs });
  const [aliceToken, bobToken] = await Promise.all([tokenOf(alice.id), tokenOf(bob.id)]);
  const title = (text: string) => coloured("bold", text);
  const playground = config.playground
    ? `\n${title("Open")} ${coloured("green", `${app.url}/playground`)} in two tabs, as two users, and write to each other.\n`
    : "";
  const docs = config.docs ? `${title("API reference")}: ${coloured("green", `${app.url}/docs`)}\n` : "";
  print(`
${title("whispr-msg is ready")} at ${coloured("green", app.url)} (WebSocket ${app.url.replace(/^http/, "ws")}/socket, keys ${app.url}${jwksPath})
${playground}${docs}
${title("Two users")}, with tokens for 24 hours (anyone who has them can act as Alice or Bob):
  alice ${alice.id}
  bob   ${bob.id}

export ALICE=${aliceToken}
export BOB=${bobToken}

${title("Paste this")} into another terminal (after the two lines above) to start a conversation and send a message:
${pasteLine(app.url)}

Ctrl-C stops it, the data stays; \`${resetLine}\` starts afresh.
`);
}

const resetLine =
  process.env.npm_lifecycle_event === "start" ? "npm start -- --reset" : "whispr-msg dev --reset";

/** One line of POSIX shell with curl and sed. */
function pasteLine(url: string): string {
  const post = (path: string, body: string) =>
    `curl -s "${url}/api/v1/${path}" -H "authorization: Bearer $ALICE" -H "content-type: application/json" -d '${body}'`;
  const create = post("conversations", `{"type":"direct","other_user_id":"${bob.id}"}`);
  const firstId = `sed -n 's/^{"data":{"id":"\\([^"]*\\)".*/\\1/p'`;
  return `C=$(${create} | ${firstId}) && ${post("conversations/$C/messages", '{"content":"Hello Bob"}')}`;
}
