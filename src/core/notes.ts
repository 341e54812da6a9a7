/**
 * The closed table of the lines at `info`: the steps of a process, and recoveries. Each line has its name as `event`, as incidents have
 * (`incidents.ts`), and nothing else is logged at this level. Names are stable: people search for them. Rows of docs/incidents.md.
 */
export const notes = {
  backlog_not_widened:
    "the kernel's queue of new connections stays at 512; clients that all connect at once may have to wait",
  embedded_postgres_restarted: "the embedded PostgreSQL accepts connections again",
  embedded_postgres_started: "the embedded PostgreSQL runs",
  frames_missed: "events of a conversation were missed and are read from the store",
  keys_read_again: "the keys that verify tokens can be read again",
  listening: "the public port is open",
  migrated: "a migration was applied",
  migrating: "a migration goes on",
  ownership_taken: "this process may write, and serves every conversation",
  ready: "the process takes traffic",
  starting: "the process starts, with this version and mode",
  stopped: "the process has stopped in order",
  stopping: "a signal came, and the process stops",
} as const satisfies Readonly<Record<string, string>>;

export type Note = keyof typeof notes;
