import { parseArgs } from "node:util";

export interface StormOptions {
  readonly binary: string;
  /** What takes the clients away: a kill of the server, or a cut of their network that the others do not notice. */
  readonly mode: "kill" | "cut";
  readonly clients: number;
  readonly clientsOfProcess: number;
  readonly bystanders: number;
  readonly messagesPerSecond: number;
  readonly directs: number;
  readonly groups: readonly number[];
  readonly calmMs: number;
  /** Null: the PostgreSQL that the executable carries. */
  readonly databaseUrl: string | null;
  /** Settings of the server other than its defaults. */
  readonly environment: Readonly<Record<string, string>>;
  readonly json: string | null;
  /** Every client connects from 127.0.0.1, as behind one NAT. */
  readonly oneAddress: boolean;
}

export function readOptions(arguments_: readonly string[]): StormOptions {
  const { values } = parseArgs({
    args: [...arguments_],
    options: {
      binary: { type: "string", default: "dist/whispr-msg" },
      mode: { type: "string", default: "kill" },
      clients: { type: "string", default: "5000" },
      "clients-of-process": { type: "string", default: "5000" },
      bystanders: { type: "string", default: "1000" },
      rate: { type: "string", default: "1000" },
      directs: { type: "string", default: "2" },
      groups: { type: "string", default: "20,100" },
      calm: { type: "string", default: "10" },
      "database-url": { type: "string" },
      env: { type: "string", multiple: true, default: [] },
      json: { type: "string" },
      "one-address": { type: "boolean", default: false },
    },
  });
  if (values.mode !== "kill" && values.mode !== "cut") throw new Error("--mode must be kill or cut");
  return {
    binary: values.binary,
    mode: values.mode,
    clients: whole("clients", values.clients, 20_000),
    clientsOfProcess: whole("clients-of-process", values["clients-of-process"], 10_000),
    bystanders: whole("bystanders", values.bystanders, 5_000),
    messagesPerSecond: whole("rate", values.rate, 10_000),
    directs: whole("directs", values.directs, 100),
    groups: values.groups === "" ? [] : values.groups.split(",").map((size) => whole("groups", size, 1_000)),
    calmMs: 1_000 * whole("calm", values.calm, 300),
    databaseUrl: values["database-url"] ?? null,
    environment: Object.fromEntries(values.env.map(assignment)),
    json: values.json ?? null,
    oneAddress: values["one-address"],
  };
}

function whole(name: string, text: string, most: number): number {
  const number = Number(text);
  if (Number.isInteger(number) && number >= 0 && number <= most) return number;
  throw new Error(`--${name} must be a whole number from 0 to ${most}`);
}

function assignment(text: string): readonly [string, string] {
  const at = text.indexOf("=");
  if (at < 1) throw new Error("--env must be NAME=value");
  return [text.slice(0, at), text.slice(at + 1)];
}
