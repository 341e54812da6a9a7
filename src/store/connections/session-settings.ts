/** A server setting that our statements depend on, and the value that every session of ours gives it. */
export interface SessionSetting {
  readonly name: string;
  /** As `show` prints it, so that a session can be compared with this table. */
  readonly value: string;
  readonly isForSuperusers?: boolean;
}

/** Lists settings of one kind. Each group says why its settings are fixed. */
function group(values: Readonly<Record<string, string>>): readonly SessionSetting[] {
  return Object.entries(values).map(([name, value]) => ({ name, value }));
}

/** Texts that we send and read: instants, numbers, bytes, arrays, names. */
const texts = group({
  client_encoding: "UTF8",
  DateStyle: "ISO, MDY",
  IntervalStyle: "postgres",
  TimeZone: "UTC",
  timezone_abbreviations: "Default",
  bytea_output: "hex",
  extra_float_digits: "1",
  array_nulls: "on",
  standard_conforming_strings: "on",
  backslash_quote: "safe_encoding",
  escape_string_warning: "on",
  quote_all_identifiers: "off",
  transform_null_equals: "off",
  lc_monetary: "C",
  lc_numeric: "C",
  lc_time: "C",
  xmlbinary: "base64",
  xmloption: "content",
});

/**
 * Plans. Every statement is planned once per connection, perhaps while the tables are empty and a scan looks cheap: planning over the
 * partitions of the log costs as much as a page of history (1 ms of 2), and every statement looks up by key. So plans are generic and
 * scans are off (27,000 messages/s instead of 12,000 after 50,000 conversations were added before the next ANALYZE). PostgreSQL before 18
 * expresses "off" as a cost of 10,000,000,000, which makes JIT compile a plan for a second and parallel workers look cheap: both are off.
 * Costs and switches are PostgreSQL's defaults, so that a plan is the same on every server.
 */
const plans = group({
  plan_cache_mode: "force_generic_plan",
  enable_seqscan: "off",
  jit: "off",
  max_parallel_workers_per_gather: "0",
  min_parallel_table_scan_size: "8MB",
  min_parallel_index_scan_size: "512kB",
  parallel_setup_cost: "1000",
  parallel_tuple_cost: "0.1",
  enable_async_append: "on",
  enable_bitmapscan: "on",
  enable_distinct_reordering: "on",
  enable_gathermerge: "on",
  enable_group_by_reordering: "on",
  enable_hashagg: "on",
  enable_hashjoin: "on",
  enable_incremental_sort: "on",
  enable_indexonlyscan: "on",
  enable_indexscan: "on",
  enable_material: "on",
  enable_memoize: "on",
  enable_mergejoin: "on",
  enable_nestloop: "on",
  enable_partition_pruning: "on",
  enable_partitionwise_aggregate: "off",
  enable_partitionwise_join: "off",
  enable_presorted_aggregate: "on",
  enable_self_join_elimination: "on",
  enable_sort: "on",
  enable_tidscan: "on",
  constraint_exclusion: "partition",
  from_collapse_limit: "8",
  join_collapse_limit: "8",
  geqo: "on",
  geqo_effort: "5",
  geqo_generations: "0",
  geqo_pool_size: "0",
  geqo_seed: "0",
  geqo_selection_bias: "2",
  geqo_threshold: "12",
  seq_page_cost: "1",
  random_page_cost: "4",
  cpu_tuple_cost: "0.01",
  cpu_index_tuple_cost: "0.005",
  cpu_operator_cost: "0.0025",
  cursor_tuple_fraction: "0.1",
  recursive_worktable_factor: "10",
  effective_cache_size: "4GB",
  work_mem: "4MB",
  hash_mem_multiplier: "2",
});

/** Transactions: the statements were proved for this isolation, and an acknowledgement means flushed. */
const transactions = group({
  default_transaction_isolation: "read committed",
  default_transaction_deferrable: "off",
  synchronous_commit: "on",
});

/** Times that would end our sessions. `idle_session_timeout`: the owner's connection and the listener are idle by nature. */
const times = group({
  idle_session_timeout: "0",
  idle_in_transaction_session_timeout: "1min",
  transaction_timeout: "0",
});

/** How a session and its client notice that the other one is gone: Linux's own keepalive would keep the lock for two hours. */
const liveness = group({
  client_connection_check_interval: "2s",
  tcp_keepalives_idle: "5",
  tcp_keepalives_interval: "2",
  tcp_keepalives_count: "3",
  tcp_user_timeout: "10000",
  exit_on_error: "off",
});

/** What a statement may see and where a table is created. */
const objects = group({
  row_security: "on",
  restrict_nonsystem_relation_kind: "",
  default_table_access_method: "heap",
  check_function_bodies: "on",
});

/** What the server logs and sends beside results. Values of statements are content: they never reach a log (I9). */
const noise = group({
  client_min_messages: "notice",
  log_parameter_max_length_on_error: "0",
  debug_print_parse: "off",
  debug_print_plan: "off",
  debug_print_rewritten: "off",
});

/** Only a superuser may set these. Others cannot have them otherwise either, unless a superuser gave them to the role. */
const forSuperusers = group({
  lc_messages: "C",
  session_replication_role: "origin",
  ignore_checksum_failure: "off",
  zero_damaged_pages: "off",
}).map((setting) => ({ ...setting, isForSuperusers: true }));

/** Where tables are, unless the address names a place. As PostgreSQL has it by itself. */
export const tablePlace: SessionSetting = { name: "search_path", value: '"$user", public' };

/** Every setting that is fixed; `ALTER DATABASE … SET` and `ALTER ROLE … SET` change none of them for our sessions. */
export const sessionSettings: readonly SessionSetting[] = [
  ...times,
  ...texts,
  ...plans,
  ...transactions,
  ...liveness,
  ...objects,
  ...noise,
  ...forSuperusers,
];

export interface SessionNeeds {
  /** Milliseconds; 0: a statement may take any time. */
  readonly statementTimeoutMs: number;
  /** The address names a `search_path` itself. */
  readonly keepsSearchPath: boolean;
}

/**
 * Returns the statements that a new session begins with, as one simple query. They are sent after the connection is made, because a pooler
 * refuses them as startup options, and a server refuses the startup when it does not know one of them. The first lines need no plan: under
 * `jit_above_cost = 0` even the rest would be compiled. No text has a backslash or a null, so that its meaning depends on no setting.
 */
export function sessionSetUp({ statementTimeoutMs, keepsSearchPath }: SessionNeeds): string {
  const settings = keepsSearchPath ? sessionSettings : [tablePlace, ...sessionSettings];
  return `set statement_timeout = ${statementTimeoutMs};
set lock_timeout = ${statementTimeoutMs};
set jit = off;
select count(pg_catalog.set_config(name, value, false))
from (values ${rowsOf(settings)}) as wanted (name, value, superuser) where ${isApplicable}`;
}

/**
 * Returns a query for the settings that a session has otherwise than this table says: name, wanted, actual. A Unix socket has no TCP
 * settings, and errors are told apart in any language.
 */
export function sessionDifferences(): string {
  return `select name, value as wanted, pg_catalog.current_setting(name, true) as actual
from (values ${rowsOf(sessionSettings)}) as wanted (name, value, superuser)
where pg_catalog.current_setting(name, true) <> value and name not like 'tcp%' and name <> 'lc_messages'`;
}

/** Older servers do not know every name. */
const isApplicable = `pg_catalog.current_setting(name, true) is not null
  and (not superuser or pg_catalog.current_setting('is_superuser') = 'on')`;

function rowsOf(settings: readonly SessionSetting[]): string {
  return settings
    .map(({ name, value, isForSuperusers = false }) => `('${name}', '${value}', ${isForSuperusers})`)
    .join(", ");
}
