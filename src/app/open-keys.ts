import { Keys } from "../auth/jwks.ts";
import { KeysReport } from "../auth/keys-report.ts";
import { systemClock as clock } from "../system.ts";
import type { Startup } from "./startup.ts";

/** Reads the keys that tokens are verified with, and goes on until the stop. */
export function openKeys({ config, observer, opened }: Startup): Keys {
  const source = config.tokens.keys;
  if (!source)
    throw new Error("There are no keys to verify tokens: set JWT_JWKS_URL or JWT_PUBLIC_KEYS_FILE.");
  const report = new KeysReport({ observer, clock });
  report.begins(source);
  const keys = new Keys({
    source,
    clock,
    onFailure: (reason) => report.failed(reason),
    onRead: (ignored) => report.read(ignored),
  });
  opened.defer(() => keys.stop());
  observer.gauge("keys_age_seconds", () => keys.ageMs / 1_000);
  return keys;
}
