import type { Revocations } from "../core/ports/tokens.ts";

/** Without a store of revocations (the auth service keeps them in Redis) a token ends only by its expiry. */
export const nothingRevoked: Revocations = { isRevoked: async () => false };
