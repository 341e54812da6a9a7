/** The server's no, or that it could not be asked: a code from its closed table, and a sentence for people. */
export interface Refusal {
  readonly reason: string;
  readonly message: string;
  /** When it may be tried again; null: trying again does not help. */
  readonly retryAfterMs: number | null;
}

/** What a channel's error reply and a REST error body have in common; the code is `reason` here and `error` there. */
export interface Told {
  readonly reason?: string;
  readonly error?: string;
  readonly message?: string;
  readonly retry_after_ms?: number;
}

export function refusalOf(told: Told | null): Refusal {
  return {
    reason: told?.reason ?? told?.error ?? "internal",
    message: told?.message ?? "The server gave no reason.",
    retryAfterMs: told?.retry_after_ms ?? null,
  };
}

export class Refused extends Error {
  readonly refusal: Refusal;

  constructor(refusal: Refusal) {
    super(refusal.message);
    this.refusal = refusal;
  }
}

/** Whatever was thrown, as something to show. */
export function refusalIn(error: unknown): Refusal {
  if (error instanceof Refused) return error.refusal;
  return { reason: "unreachable", message: "The server cannot be reached.", retryAfterMs: null };
}
