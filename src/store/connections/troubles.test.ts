import { expect, test } from "bun:test";
import { StoreUnavailable } from "../../core/ports/store-errors.ts";
import { troubleOf } from "./troubles.ts";

const ofServer = (code: string, message = "said so") =>
  Object.assign(new Error(message), { code, severity: "ERROR" });
const ofSystem = (code: string) => Object.assign(new Error(`connect ${code}`), { code, syscall: "connect" });

test.each([
  [ofServer("53100"), "disk_full", true],
  [
    ofServer("XX000", 'could not write to file "pg_wal/xlogtemp.1": No space left on device'),
    "disk_full",
    true,
  ],
  [ofServer("25006"), "store_read_only", true],
  [ofServer("53200", "out of shared memory"), "store_out_of_memory", true],
  [ofServer("53300"), "store_connections_exhausted", false],
  [ofServer("53400"), "store_exhausted", true],
  [ofServer("58030", "could not read block: Input/output error"), "store_damaged", true],
  [ofServer("XX001"), "store_damaged", true],
  [ofServer("57014"), "store_slow", false],
  [ofServer("55P03"), "store_slow", false],
  [ofServer("40P01"), "store_conflict", false],
  [ofServer("57P01"), "store_unreachable", false],
  [ofServer("57P03"), "store_unreachable", false],
  [ofServer("28P01"), "store_refuses", false],
  [ofServer("3D000"), "store_refuses", false],
  [ofServer("42501"), "store_refuses", false],
  [ofServer("42P01"), "store_refuses", false],
  [ofServer("ZZ999"), "store_refuses", false],
  [new Error("Query read timeout"), "store_slow", false],
  [new Error("timeout exceeded when trying to connect"), "store_busy", false],
  [new Error("Connection terminated unexpectedly"), "store_unreachable", false],
  [ofSystem("ECONNREFUSED"), "store_unreachable", false],
  [ofSystem("ENOENT"), "store_unreachable", false],
  [ofSystem("EMFILE"), "descriptors_exhausted", false],
  [ofSystem("ENFILE"), "descriptors_exhausted", false],
  ["no error at all", "store_unreachable", false],
] as const)("%p is %s", (error, incident, stopsWrites) => {
  expect(troubleOf(error)).toMatchObject({ incident, stopsWrites });
  expect(troubleOf(new StoreUnavailable({ cause: error }))).toMatchObject({ incident });
});

test("the reason says what PostgreSQL said, and the way out where one is known", () => {
  expect(troubleOf(ofServer("53100", "could not extend file")).reason).toMatch(
    /^the disk of PostgreSQL is full; .* \(could not extend file\)$/,
  );
});
