import type { Clock } from "../../core/ports/clock.ts";
import type { Observer } from "../../core/ports/observer.ts";
import { Admission, type AdmissionRefusal, type AdmissionState, type Serving } from "./admission.ts";
import { type Checks, statusOf } from "./probes.ts";
import type { RetryPauses } from "./retry-pauses.ts";

/** Admission as the endpoint needs it: by its readiness, with metrics and a line in the log when it begins to refuse. */
export function openAdmission(options: {
  readonly clock: Clock;
  readonly workedMs: () => number;
  readonly observer: Observer;
  readonly checks: () => Checks;
  readonly isStarting: () => boolean;
  readonly pauses: RetryPauses;
}): Admission {
  const { clock, workedMs, observer, checks, isStarting, pauses } = options;
  const admission = new Admission({
    clock,
    workedMs,
    pauses,
    serving: () => servingOf(checks, isStarting),
    observer: {
      admitted: () => observer.handshake("admitted"),
      refused: (reason, state) => refused(observer, reason, state),
    },
  });
  observer.gauge("handshakes_waiting", () => admission.state.waiting);
  observer.gauge("arrivals", () => admission.state.inProgress);
  observer.gauge("arrivals_limit", () => admission.state.maxInProgress);
  return admission;
}

function servingOf(checks: () => Checks, isStarting: () => boolean): Serving {
  if (statusOf(checks()) !== "unavailable") return "yes";
  return isStarting() ? "not_yet" : "no";
}

/** A process that cannot serve says so elsewhere. */
function refused(observer: Observer, reason: AdmissionRefusal, state: AdmissionState): void {
  observer.handshake(reason);
  if (reason === "not_serving") return;
  observer.warn("admission_limited", {
    reason,
    waiting: state.waiting,
    arrivals: state.inProgress,
    arrivals_limit: state.maxInProgress,
    lag_ms: Math.round(state.lagMs),
  });
}
