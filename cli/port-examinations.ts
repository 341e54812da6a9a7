import { createServer } from "node:net";
import type { Config } from "../src/config.ts";
import { listenerUrl } from "../src/telemetry/listener-url.ts";
import type { Finding } from "./finding.ts";
import { otherPort } from "./other-port.ts";

export async function publicPort({ http }: Config): Promise<Finding> {
  const { host, port } = http;
  const subject = `port ${port} on ${host}`;
  if (port === 0) return { subject, status: "ok", text: "any that is free" };
  const problem = await listenProblem(host, port);
  if (problem === null) return { subject, status: "ok", text: "free" };
  if (problem !== "EADDRINUSE") return { subject, status: "fail", text: textOf(problem, "HOST", "PORT") };
  if (await answersAsOurs(http)) return { subject, status: "ok", text: "a whispr-msg answers there" };
  const text = `in use by another process; choose another one: PORT=${otherPort(port)}`;
  return { subject, status: "fail", text };
}

/** A running whispr-msg has this port too; only the public port shows whether it is that one. */
export async function adminPort({ admin, http }: Config): Promise<Finding> {
  if (!admin) return { subject: "admin port", status: "ok", text: "off" };
  const { host, port } = admin;
  const subject = `admin port ${port} on ${host}`;
  const problem = await listenProblem(host, port);
  if (problem === null) return { subject, status: "ok", text: "free" };
  if (problem !== "EADDRINUSE")
    return { subject, status: "fail", text: textOf(problem, "ADMIN_HOST", "ADMIN_PORT") };
  const isOurs = await answersAsOurs(http);
  const text = isOurs
    ? "in use, by the whispr-msg that answers on the public port if it is its own"
    : `in use by another process; choose another one: ADMIN_PORT=${otherPort(port)}, or 0 for none`;
  return { subject, status: isOurs ? "ok" : "fail", text };
}

function textOf(code: string, host: string, port: string): string {
  if (code === "EACCES") return `this user may not listen on a port below 1024; set ${port} to a higher one`;
  const known = code === "EADDRNOTAVAIL" || code === "ENOTFOUND" || code === "EAI_AGAIN";
  const cause = known ? "this machine has no such address" : `cannot be listened on (${code})`;
  return `${cause}; set ${host} to one of its own, 127.0.0.1, or 0.0.0.0 for all`;
}

/** Returns the error code if the address cannot be listened on, or null if it can. */
function listenProblem(host: string, port: number): Promise<string | null> {
  const { promise, resolve } = Promise.withResolvers<string | null>();
  const probe = createServer();
  probe.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
  probe.listen(port, host, () => probe.close(() => resolve(null)));
  return promise;
}

/** Much more than `/live` answers. */
const maxAnswerBytes = 1_024;

/** Any process may answer on the port, so redirects are not followed and only the beginning is read. */
async function answersAsOurs({ host, port }: Config["http"]): Promise<boolean> {
  try {
    const signal = AbortSignal.timeout(1_000);
    const answer = await fetch(`${listenerUrl(host, port)}/live`, { signal, redirect: "manual" });
    const body: unknown = JSON.parse(await beginningOf(answer));
    return typeof body === "object" && body !== null && "status" in body && body.status === "alive";
  } catch {
    return false;
  }
}

async function beginningOf({ body }: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body ?? []) {
    chunks.push(chunk);
    bytes += chunk.byteLength;
    if (bytes > maxAnswerBytes) break;
  }
  return Buffer.concat(chunks).toString("utf8");
}
