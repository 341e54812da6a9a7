import type pg from "pg";
import { ReadPool } from "../../store/connections/database.ts";

/** Counts its queries, and can tell what the last one cost. */
export class CountingPool extends ReadPool {
  queries = 0;
  #last: pg.QueryConfig | null = null;

  override query<Row extends pg.QueryResultRow>(query: pg.QueryConfig): Promise<pg.QueryResult<Row>> {
    this.queries++;
    this.#last = query;
    return super.query(query);
  }

  /** Does the last query once more, and tells the pages of 8 kB that it looked at. */
  async pagesOfLast(): Promise<number> {
    const { text, values } = this.#last!;
    const { rows } = await super.query<{ "QUERY PLAN": [{ Plan: Record<string, number> }] }>({
      text: `explain (analyze, buffers, timing off, format json) ${text}`,
      ...(values ? { values } : {}),
    });
    const plan = rows[0]!["QUERY PLAN"][0].Plan;
    return plan["Shared Hit Blocks"]! + plan["Shared Read Blocks"]!;
  }
}
