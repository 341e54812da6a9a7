/** Settings that contradict each other, and those that have no effect here. */
import type { SettingContext, Values } from "./settings.ts";

/** Returns settings that contradict each other. A refused value is undefined here, and contradicts nothing. */
export function contradictions(values: Values, { purpose, environment }: SettingContext): readonly string[] {
  const problems: string[] = [];
  problems.push(...unknownProtections(environment));
  if (values.jwksUrl && values.publicKeysFile) {
    problems.push("JWT_JWKS_URL and JWT_PUBLIC_KEYS_FILE are both set: set only one of them.");
  }
  if (purpose !== "serve") return problems;
  if (values.jwksUrl === null && values.publicKeysFile === null) {
    problems.push(
      "There are no keys to verify tokens: set JWT_JWKS_URL or JWT_PUBLIC_KEYS_FILE (`dev` makes its own).",
    );
  }
  for (const seen of redisVariables(environment)) {
    problems.push(
      `${seen} asks for the cluster mode, which comes in a later version; unset it to run as a single node.`,
    );
  }
  return problems;
}

/** Returns misspelt names of DB_SSL, which must not end in an unencrypted connection. */
function unknownProtections(environment: SettingContext["environment"]): readonly string[] {
  const names = Object.keys(environment).filter(
    (name) => /^(DB|DATABASE)_.*(SSL|TLS|CERT|VERIFY)/i.test(name) && name !== "DB_SSL" && environment[name],
  );
  return names.map(
    (name) => `${name} is not a setting: TLS to PostgreSQL is set by DB_SSL, or by sslmode in DATABASE_URL.`,
  );
}

/** Warns that `dev` makes its own keys and ignores configured ones. */
export function unusedKeys(
  { jwksUrl, publicKeysFile }: Values,
  { purpose }: SettingContext,
): readonly string[] {
  if (purpose !== "dev") return [];
  const names = [jwksUrl && "JWT_JWKS_URL", publicKeysFile && "JWT_PUBLIC_KEYS_FILE"].filter(Boolean);
  return names.map((name) => `${name} is ignored here: dev makes its own keys.`);
}

/** Warns that Redis is not used without the cluster mode. */
export function unusedRedis({ purpose, environment }: SettingContext): readonly string[] {
  const redis = purpose === "serve" ? [] : redisVariables(environment);
  return redis.map((seen) => `${seen} is ignored here: this process runs on its own.`);
}

const redisNames =
  /^REDIS_(URL|MODE|HOST|PORT|DB|USERNAME|PASSWORD|SSL|SENTINELS|MASTER_NAME|SENTINEL_PASSWORD)$/;

function redisVariables(environment: SettingContext["environment"]): readonly string[] {
  return Object.entries(environment).flatMap(([name, text]) =>
    text && redisNames.test(name) ? [`${name}${redisNote(text)}`] : [],
  );
}

function redisNote(text: string): string {
  const isInjected = text.startsWith("tcp://");
  return isInjected
    ? " (it looks injected by Kubernetes for a Service named redis: enableServiceLinks: false in the pod prevents that)"
    : "";
}
