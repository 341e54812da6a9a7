import { Charges } from "../core/limits/charge.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { Limiter } from "../core/ports/limiter.ts";
import type { Observer } from "../core/ports/observer.ts";
import type { Revocations, Tokens } from "../core/ports/tokens.ts";
import { Gate } from "./gate.ts";
import type { Admission } from "./http/admission.ts";
import { openAdmission } from "./http/admission-wiring.ts";
import { Authentication } from "./http/authentication.ts";
import { EventLoopLag } from "./http/event-loop-lag.ts";
import { FailedTokens } from "./http/failed-tokens.ts";
import type { Checks } from "./http/probes.ts";
import { RetryPauses } from "./http/retry-pauses.ts";

/** Decides, for REST and sockets alike, whether something comes in. */
export interface Entrance {
  readonly lag: EventLoopLag;
  readonly pauses: RetryPauses;
  readonly admission: Admission;
  readonly authentication: Authentication;
  readonly gate: Gate;
}

export function openEntrance(options: {
  readonly settings: { readonly maxLoopLatenessMs: number };
  readonly tokens: Tokens;
  readonly revocations: Revocations;
  readonly limiter: Limiter;
  readonly clock: Clock;
  readonly workedMs: () => number;
  readonly observer: Observer;
  readonly checks: () => Checks;
  readonly isStarting: () => boolean;
}): Entrance {
  const { settings, tokens, revocations, limiter, clock, workedMs, observer, checks, isStarting } = options;
  const lag = new EventLoopLag({ clock, maxMs: settings.maxLoopLatenessMs });
  const pauses = new RetryPauses({ clock });
  const admission = openAdmission({ clock, workedMs, observer, checks, isStarting, pauses });
  const charges = new Charges({ limiter, observer });
  const failures = new FailedTokens({ charges, clock });
  return {
    lag,
    pauses,
    admission,
    authentication: new Authentication({ tokens, revocations, failures, observer }),
    gate: new Gate({ charges, lateness: lag, pauses }),
  };
}
