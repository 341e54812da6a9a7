import { nearestName } from "./core/nearest-name.ts";
import { settings } from "./settings.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** A variable of the former messaging service that is set and has no effect here. */
export interface FormerVariable {
  readonly name: string;
  /** What to use instead, or that it comes later. */
  readonly why: string;
}

const noSecret = "this server has no secret; it verifies tokens with JWT_JWKS_URL";
const noNeighbours = "calls to other services come in a later version";
const noModeration = "moderation thresholds come in a later version";
const noPurge = "messages are kept; retention comes in a later version";
const bounded = "memory is bounded by WHISPR_MAX_ACTORS and WHISPR_MAX_ACTOR_BYTES";

const former: Readonly<Record<string, string>> = {
  PHX_HOST: "this server does not need to know its public name",
  SECRET_KEY_BASE: noSecret,
  ENCRYPTION_KEY: noSecret,
  JWT_SECRET: noSecret,
  DB_IPV6: "IPv6 is used where DB_HOST resolves to it",
  USER_SERVICE_HTTP_URL: noNeighbours,
  AUTH_SERVICE_URL: noNeighbours,
  USER_SERVICE_URL: noNeighbours,
  MEDIA_SERVICE_URL: noNeighbours,
  NOTIFICATION_SERVICE_URL: noNeighbours,
  MODERATION_SERVICE_URL: noNeighbours,
  SCHEDULING_SERVICE_GRPC_URL: noNeighbours,
  INTERNAL_API_TOKEN: noNeighbours,
  GRPC_PORT: "gRPC comes in a later version",
  ADMIN_USER_IDS: "administrator roles come in a later version",
  MESSAGE_RETENTION_DAYS: noPurge,
  CLEANUP_BATCH_SIZE: noPurge,
  CONVERSATION_MAX_IDLE_TIME: bounded,
  CONVERSATION_CLEANUP_INTERVAL: bounded,
  MAX_MESSAGE_CACHE: bounded,
  MOD_MUTE_THRESHOLD: noModeration,
  MOD_MUTE_DAYS: noModeration,
  MOD_MUTE_DURATION_HOURS: noModeration,
  MOD_BAN_THRESHOLD: noModeration,
  MOD_BAN_DAYS: noModeration,
  MOD_REVIEW_THRESHOLD: noModeration,
  MOD_REVIEW_DAYS: noModeration,
};

/** Returns the variables of the former service that are set; an empty one counts as not set. */
export function formerVariables(environment: Environment): readonly FormerVariable[] {
  return Object.entries(former).flatMap(([name, why]) => (environment[name] ? [{ name, why }] : []));
}

const settingNames: readonly string[] = Object.values(settings).flatMap(({ variables }) => variables);
/** Only our settings have these prefixes, so another name is a misspelt one. */
const ours = /^(WHISPR|LIMIT)_/;
/** Other programs may have such names. */
const maybeOurs = /^(JWT|DB)_/;

/** Returns misspelt names of settings, each as a sentence: certain ones, and likely ones. */
export function misspeltVariables(environment: Environment): {
  readonly certain: readonly string[];
  readonly likely: readonly string[];
} {
  const unknown = Object.keys(environment).filter(
    (name) => environment[name] && !isKnown(name) && !isInjected(name, environment),
  );
  return {
    certain: unknown.filter((name) => ours.test(name)).map(misspelt),
    likely: unknown.filter((name) => maybeOurs.test(name) || isNearOurs(name)).map(misspelt),
  };
}

function isKnown(name: string): boolean {
  return settingNames.includes(name) || Object.hasOwn(former, name) || name.startsWith("WHISPR_TEST_");
}

/** Whether a name with a similar prefix, such as WHISPER_DATA_DIR, ends like one of our settings. */
function isNearOurs(name: string): boolean {
  const [, rest] = /^(?:WHISPER|WISPR|WISPER|WHISP|LIMITS)_(\w+)$/.exec(name) ?? [];
  return rest !== undefined && settingNames.some((other) => ours.test(other) && other.endsWith(`_${rest}`));
}

function misspelt(name: string): string {
  const near = nearestName(name, settingNames);
  return `${name} is not a setting${near ? `; did you mean ${near}?` : ": whispr-msg config shows all settings."}`;
}

const serviceSuffix = /_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)$/;

/** Kubernetes injects WHISPR_MSG_PORT=tcp://ip:port and the like in a namespace with a Service called whispr-msg. */
function isInjected(name: string, environment: Environment): boolean {
  const service = name.replace(serviceSuffix, "");
  if (service === name) return false;
  return (
    Boolean(environment[`${service}_SERVICE_HOST`]) || /^(tcp|udp|sctp):\/\//.test(environment[name] ?? "")
  );
}
