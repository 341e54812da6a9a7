import type { Clock } from "../../core/ports/clock.ts";
import type { Rejection } from "../../core/rejection.ts";
import { longestBodySeconds, slowBody, tooManyBodies } from "../refusals.ts";
import { readJson } from "./body.ts";
import { HeldBytes } from "./held-bytes.ts";

type Read = { readonly value: unknown } | Rejection;

/**
 * Reads bodies, and bounds those that do not come to their end: each in bytes and in time, and all of them together in bytes. Bun keeps
 * what came of a body until it is complete, so a body counts from its first byte on.
 */
export class Bodies {
  readonly #maxBytes: number;
  readonly #clock: Clock;
  readonly #held: HeldBytes;

  constructor(options: {
    /** The largest body. */
    readonly maxBytes: number;
    /** The most bytes of bodies that are being read, of all clients together. */
    readonly maxHeldBytes: number;
    readonly clock: Clock;
    /** A body was refused or given up, so that others have room. */
    readonly onCut?: () => void;
  }) {
    const { maxBytes, maxHeldBytes, clock, ...rest } = options;
    this.#maxBytes = maxBytes;
    this.#clock = clock;
    this.#held = new HeldBytes({ maxBytes: maxHeldBytes, ...rest });
  }

  /** The bytes of bodies that are being read, as they announce them. */
  get bytes(): number {
    return this.#held.bytes;
  }

  /** As `readJson`. A refusal for which `isUnfinished` holds leaves a body behind: its connection has to be closed. */
  async json(request: Request, owner: string): Promise<Read> {
    if (!request.body) return readJson(request, this.#maxBytes);
    const { promise: givenUp, resolve: giveUp } = Promise.withResolvers<Rejection>();
    const held = this.#held.hold(owner, this.#announced(request), () => giveUp(tooManyBodies));
    if (!held) return tooManyBodies;
    const cancel = this.#clock.after(longestBodySeconds * 1_000, () => giveUp(slowBody));
    const reading = readJson(request, this.#maxBytes);
    // When it was given up, the end of the connection ends it.
    reading.catch(() => {});
    try {
      return await Promise.race([reading, givenUp]);
    } finally {
      cancel();
      held.end();
    }
  }

  #announced(request: Request): number {
    const length = Number(request.headers.get("content-length") ?? this.#maxBytes);
    return Math.min(length, this.#maxBytes);
  }
}

export function isUnfinished(answer: Rejection): boolean {
  return answer === slowBody || answer === tooManyBodies;
}
