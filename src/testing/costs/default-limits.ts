import { readConfig } from "../../read-config.ts";
import { limitsOff } from "./limits-off.ts";

/** The limits of a server on which nothing is set. */
export function defaultLimits() {
  const environment = { JWT_JWKS_URL: "https://auth.example.com/jwks.json" };
  const read = readConfig({ environment, flags: {}, purpose: "serve", isTerminal: false });
  if (!read.ok) throw new Error(read.problems.join("\n"));
  return read.config.limits;
}

/** For servers that tests start, which are without limits else. */
export const limitsAsDefault: Readonly<Record<string, string>> = Object.fromEntries(
  Object.keys(limitsOff).map((name) => [name, ""]),
);
