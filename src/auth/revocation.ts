import type { Revocations } from "../core/ports/tokens.ts";

/** Without a store of revocations (the auth service keeps them in Redis) a token ends by its expiry alone. */
export const nothingRevoked: Revocations = { isRevoked: async () => false };
