/**
 * A part of a step that is done on its own. A text without stages is one short stage. In an empty table all stages are one transaction.
 *
 * ```
 * -- stage: short                                        changes the catalog, under locks that are held for milliseconds
 * -- stage: batches over messages                        one statement with `:table` and `:range`, over a few blocks at a time
 * -- stage: concurrently                                 statements that let others read and write, each on its own
 * -- stage: concurrently on each partition of messages   the same, with `:partition`
 * ```
 */
export type Stage =
  | { readonly type: "short"; readonly sql: string }
  | { readonly type: "batches"; readonly table: string; readonly sql: string }
  | { readonly type: "concurrently"; readonly partitionsOf: string | null; readonly sql: string };

const marker = /^-- stage: (.*)$/m;

export function stagesOf(text: string): readonly Stage[] {
  const [first = "", ...rest] = text.split(marker);
  const stages = hasStatement(first) ? [short(first)] : [];
  for (let at = 0; at < rest.length; at += 2) stages.push(stageOf(rest[at]!, rest[at + 1]!));
  return stages;
}

function short(sql: string): Stage {
  return { type: "short", sql };
}

function stageOf(kind: string, sql: string): Stage {
  if (kind === "short") return short(sql);
  const batches = /^batches over (\w+)$/.exec(kind)?.[1];
  if (batches) return { type: "batches", table: batches, sql };
  const concurrent = /^concurrently(?: on each partition of (\w+))?$/.exec(kind);
  if (concurrent) return { type: "concurrently", partitionsOf: concurrent[1] ?? null, sql };
  throw new Error(`a migration has a stage of an unknown kind: ${kind}`);
}

function hasStatement(sql: string): boolean {
  return sql.replace(/--.*$/gm, "").trim() !== "";
}

/** Each statement of a text that has no semicolon within one. */
export function statementsOf(sql: string): readonly string[] {
  const bare = sql.replace(/--.*$/gm, "");
  return bare
    .split(";")
    .map((statement) => statement.trim())
    .filter((statement) => statement !== "");
}

/** The tables that a text changes, or refers to, by name: what must be locked for it. */
export function tablesIn(sql: string): readonly string[] {
  const bare = sql.replace(/--.*$/gm, "");
  const named =
    /\b(?:alter table|drop table|drop view|references|update|delete from|insert into)(?: if exists)?(?: only)? (\w+)|\bindex \w+ on(?: only)? (\w+)/gi;
  return [...new Set([...bare.matchAll(named)].map(([, one, other]) => (one ?? other)!))];
}
