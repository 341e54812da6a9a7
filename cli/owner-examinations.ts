import { lstatSync } from "node:fs";
import { resolve } from "node:path";
import type { Config } from "../src/config.ts";
import { isOfFormerVersion } from "../src/store/embedded/adopt.ts";
import { databaseUser, userText } from "../src/store/embedded/database-user.ts";
import { layoutOf } from "../src/store/embedded/layout.ts";
import { codeOf, EmbeddedRefusal } from "../src/store/embedded/refusal.ts";
import { trustedPath } from "../src/store/embedded/trusted-path.ts";
import type { Finding } from "./finding.ts";

const asRootText =
  "root, which it does not need, and which makes every bug worse. Start it as an account of its own (systemd: DynamicUser=yes and StateDirectory=whispr-msg; containers: user:), with CAP_NET_BIND_SERVICE for a port below 1024";

/** Examines who serves, who owns the data directory and the database in it, and as whom PostgreSQL runs. */
export function owners(config: Config): readonly Finding[] {
  return config.database.type === "embedded" ? [service(), dataDirectory(config)] : [service()];
}

function service(): Finding {
  const subject = "service user";
  const uid = process.getuid?.() ?? 0;
  if (uid === 0) return { subject, status: "warn", text: asRootText };
  return { subject, status: "ok", text: userText(uid) };
}

function dataDirectory(config: Config): Finding {
  const subject = "data owners";
  try {
    return { subject, ...ownersOf(config) };
  } catch (error) {
    if (error instanceof EmbeddedRefusal) return { subject, status: "fail", text: error.message };
    if (!/^E[A-Z]+$/.test(codeOf(error))) throw error;
    return { subject, status: "warn", text: `cannot be examined (${codeOf(error)})` };
  }
}

type Result = Pick<Finding, "status" | "text">;

function ownersOf({ dataDir, postgresUser }: Config): Result {
  const own = process.getuid?.() ?? 0;
  const found = uidOf(resolve(dataDir));
  if (found !== null && found !== own) return ofAnother(found, resolve(dataDir));
  const layout = layoutOf(trustedPath(dataDir));
  const user = own === 0 ? (databaseUser(postgresUser, layout.root)?.uid ?? own) : own;
  const postgres = `PostgreSQL runs as ${userText(user)}`;
  if (found === null) return { status: "ok", text: `${userText(own)} will own it; ${postgres}` };
  const data = uidOf(layout.database);
  const given = data === null ? "" : `, ${userText(data)} the database in it`;
  return { status: "ok", text: `${userText(own)} owns it${given}; ${postgres}` };
}

/** Root may examine what another user serves. */
function ofAnother(owner: number, dataDir: string): Result {
  const text = `${userText(owner)} owns it`;
  if (process.getuid?.() !== 0)
    return { status: "fail", text: `${text}; serve would refuse it to this user` };
  if (!isOfFormerVersion(dataDir)) return { status: "warn", text: `${text}: serve would refuse it to root` };
  return {
    status: "warn",
    text: `${text}, as versions up to 0.4 left it: the next start takes it back for root`,
  };
}

/** Returns the owner of a path, or null if the path does not exist. */
function uidOf(path: string): number | null {
  return lstatSync(path, { throwIfNoEntry: false })?.uid ?? null;
}
