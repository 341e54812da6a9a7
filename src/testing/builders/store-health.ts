import { StoreHealth } from "../../store/connections/health.ts";
import { systemClock } from "../../system.ts";
import { noteTaker } from "./builders.ts";

/** For those who report to one whose reports are not looked at. */
export function someHealth(): StoreHealth {
  return new StoreHealth({ clock: systemClock, observer: noteTaker().observer });
}
