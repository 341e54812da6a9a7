import { sessionSettings } from "../../store/connections/session-settings.ts";
import { askOutside } from "./outside.ts";

/** As a row of `pg_settings` describes a setting. */
interface Described {
  readonly name: string;
  readonly vartype: string;
  readonly min_val: string | null;
  readonly max_val: string | null;
  readonly enumvals: readonly string[] | null;
}

/** Texts, and where a value at random would be no trial: what makes every plan compiled and parallel, and what ends sessions. */
const chosen: Readonly<Record<string, string>> = {
  DateStyle: "German, YMD",
  TimeZone: "Asia/Kathmandu",
  timezone_abbreviations: "India",
  client_encoding: "SQL_ASCII",
  search_path: "",
  lc_monetary: "POSIX",
  lc_numeric: "POSIX",
  lc_time: "POSIX",
  lc_messages: "POSIX",
  default_transaction_isolation: "serializable",
  restrict_nonsystem_relation_kind: "view, foreign-table",
  session_replication_role: "replica",
  statement_timeout: "200",
  lock_timeout: "1",
  idle_session_timeout: "5s",
  idle_in_transaction_session_timeout: "100",
  transaction_timeout: "5s",
  jit_above_cost: "0",
  jit_inline_above_cost: "0",
  jit_optimize_above_cost: "0",
  force_parallel_mode: "on",
  debug_parallel_query: "on",
  max_parallel_workers_per_gather: "8",
  parallel_setup_cost: "0",
  parallel_tuple_cost: "0",
  min_parallel_table_scan_size: "0",
  min_parallel_index_scan_size: "0",
};

/** Another table access method would have to be made first. */
const withoutAnother = new Set(["default_table_access_method"]);

/**
 * Gives a database, and the role of the address in it, other settings than ours: each that we fix, and what else could change a plan.
 * Counts for connections that are made afterwards.
 */
export async function makeHostile(url: string): Promise<void> {
  const fixed = sessionSettings.map(({ name }) => name).filter((name) => !withoutAnother.has(name));
  const names = [...new Set([...Object.keys(chosen), ...fixed])];
  const described = await askOutside<Described>(
    url,
    `select name, vartype, min_val, max_val, enumvals from pg_settings where name in (${names.map((name) => `'${name}'`)})`,
  );
  const wanted = new Map(sessionSettings.map(({ name, value }) => [name, value]));
  const database = new URL(url).pathname.slice(1);
  const changes = described.map((each) => {
    const value = chosen[each.name] ?? otherThan(wanted.get(each.name)!, each);
    return `set ${each.name} to ${each.name === "search_path" ? "''" : `'${value}'`}`;
  });
  const altered = [`database "${database}"`, `role current_user in database "${database}"`];
  await askOutside(
    url,
    altered.flatMap((who) => changes.map((change) => `alter ${who} ${change}`)).join(";\n"),
  );
}

function otherThan(value: string, { name, vartype, min_val, max_val, enumvals }: Described): string {
  if (vartype === "bool") return value === "on" ? "off" : "on";
  if (enumvals) return enumvals.find((other) => other !== value)!;
  if (vartype === "string") throw new Error(`no hostile value is known for ${name}`);
  return min_val === value ? max_val! : min_val!;
}
