import { version as packageVersion } from "../package.json";

/** Set by the build; not defined when run from source. */
declare const WHISPR_COMMIT: string | undefined;

/** X.Y.Z. */
export const version: string = packageVersion;

export const commit: string = typeof WHISPR_COMMIT === "string" ? WHISPR_COMMIT : "from source";
