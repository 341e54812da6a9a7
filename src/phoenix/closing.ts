import type { Connection } from "./connection.ts";

/** `batch` sockets are closed every `pauseMs`. */
export interface Closing {
  readonly batch: number;
  readonly pauseMs: number;
  readonly code: number;
  readonly reason: string;
}

/** Closes the connections that are there at this call. Resolves when all were told. */
export async function closeInBatches<Identity>(
  connections: Iterable<Connection<Identity>>,
  { batch, pauseMs, code, reason }: Closing,
): Promise<void> {
  const open = [...connections];
  for (let from = 0; from < open.length; from += batch) {
    if (from > 0) await Bun.sleep(pauseMs);
    for (const connection of open.slice(from, from + batch)) connection.close(code, reason);
  }
}
