import { Command } from "commander";
import { deviceIdOf, maxDeviceIdLength, TokenRefused } from "../src/auth/claims.ts";
import { toUuid } from "../src/core/ports/ids.ts";
import { duration } from "../src/setting-values.ts";
import { userIdOfSubject } from "./admin-user-id.ts";
import { CommandRefused, exitCodes } from "./exit-codes.ts";
import { print, printJson } from "./print.ts";
import { settingsOf, withSettings } from "./setting-options.ts";

interface TokenOptions {
  readonly key?: string;
  readonly user: string;
  readonly device?: string;
  readonly audience?: string;
  readonly ttl: string;
  readonly json?: true;
}

const longestTtlMs = 24 * 3_600_000;

export function tokenCommand(): Command {
  const command = new Command("token")
    .description("sign a token with your private key, to try things out")
    .option("--key <file>", "private key, JWK or PEM (default: the key that dev made)")
    .requiredOption("--user <subject>", "the user: a UUID, or any subject when JWT_SUBJECT_NAMESPACE is set")
    .option("--device <id>", "the device that it belongs to")
    .option(
      "--audience <name>",
      "the audience; ws: the token opens sockets only (default: the first of JWT_AUDIENCE)",
    )
    .option("--ttl <time>", "how long it is valid, up to 24h", "1h")
    .option("--json", "as JSON: token, userId, deviceId, expiresAt")
    .addHelpText(
      "after",
      "\nExamples:\n  whispr-msg token --user 0198c0de-0000-7000-8000-00000000a11c\n  whispr-msg token --key key.pem --user $(uuidgen) --device phone --ttl 10m",
    )
    .action((options: TokenOptions) => printToken(options, command));
  return withSettings(command, ["dataDir"]);
}

async function printToken(options: TokenOptions, command: Command): Promise<void> {
  const { config } = settingsOf(command, "tool");
  const { readDevKey, readSigningKey, signToken } = await import("./signing-key.ts");
  const ttlMs = duration(1_000, longestTtlMs).parse(options.ttl);
  if (ttlMs === undefined)
    throw wrong(
      `--ttl is "${options.ttl}"; allowed: a time like 90s, 15m, 1h, up to 24h. A printed token may stay in a log, so let your auth service issue longer ones.`,
    );
  const userId = userIdOfSubject(options.user, config.tokens.subjectNamespace);
  refuseDevice(options.device);
  const key = await (options.key === undefined ? readDevKey(config.dataDir) : readSigningKey(options.key));
  const deviceId = options.device ?? null;
  const token = await signToken(key, {
    subject: toUuid(options.user) ?? options.user,
    deviceId,
    issuer: config.tokens.issuer,
    audience: options.audience ?? config.tokens.audiences[0]!,
    ttlMs,
  });
  if (!options.json) return print(token);
  const { decodeJwt } = await import("jose");
  printJson({ token, userId, deviceId, expiresAt: new Date(decodeJwt(token).exp! * 1_000).toISOString() });
}

/** Refuses a device id that a server refuses, so that every printed token is accepted. */
function refuseDevice(device: string | undefined): void {
  try {
    deviceIdOf({ deviceId: device });
  } catch (error) {
    if (!(error instanceof TokenRefused)) throw error;
    throw wrong(
      `--device is not allowed; allowed: 1 to ${maxDeviceIdLength} characters, no control characters.`,
    );
  }
}

function wrong(text: string): CommandRefused {
  return new CommandRefused(text, exitCodes.usage);
}
