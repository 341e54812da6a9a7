import { Command } from "commander";
import { settingsOf, withSettings } from "./setting-options.ts";

export function serveCommand(): Command {
  const command = new Command("serve")
    .description(
      "serve, with the PostgreSQL that it carries or with yours; a second one on the same database stands by",
    )
    .addHelpText(
      "after",
      `
Examples:
  JWT_JWKS_URL=https://auth.example/jwks.json whispr-msg serve
  JWT_PUBLIC_KEYS_FILE=keys.pem DATABASE_URL=postgres://whispr@db/whispr whispr-msg serve --port 4010

SIGTERM and SIGINT stop it without losing anything, within WHISPR_STOP_TIMEOUT; a second signal stops it at once.
Exit codes: 0 stopped; 1 it failed, or the stop took too long; 2 wrong settings; 3 another process has the port or the data directory.`,
    )
    .action(() => serve(command));
  return withSettings(command);
}

async function serve(command: Command): Promise<void> {
  const { config } = settingsOf(command, "serve");
  const { runApp } = await import("./running.ts");
  const { playground } = await import("./playground.ts");
  const { referenceRoutes } = await import("./reference-page.ts");
  const extraRoutes = new Map([
    ...(config.playground ? await playground([], config) : []),
    ...(config.docs ? await referenceRoutes() : []),
  ]);
  await runApp({ config, mode: "serve", extraRoutes }, (app, logger) =>
    logger.info("ready", { url: app.url }),
  );
}
