const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const exact = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "medium" });
const weekday = new Intl.DateTimeFormat("en-GB", { weekday: "long" });
const date = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "long" });
const dateWithYear = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "long", year: "numeric" });
const shortDate = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });

const dayMs = 86_400_000;

export function clockText(at: string): string {
  return clock.format(new Date(at));
}

export function exactText(at: string): string {
  return exact.format(new Date(at));
}

/** Of something that stays: the day by its date. */
export function beginningText(at: string): string {
  const moment = new Date(at);
  return `${dateWithYear.format(moment)} at ${clock.format(moment)}`;
}

/** The same for all moments of one day. */
export function dayText(at: string): string {
  const moment = new Date(at);
  const days = daysAgo(moment);
  if (days === 0) return "Today";
  if (days === 1) return "Yesterday";
  if (days < 7) return weekday.format(moment);
  return moment.getFullYear() === new Date().getFullYear()
    ? date.format(moment)
    : dateWithYear.format(moment);
}

/** For the narrow place in a list. */
export function briefText(at: string): string {
  const moment = new Date(at);
  const days = daysAgo(moment);
  if (days === 0) return clock.format(moment);
  return days === 1 ? "Yesterday" : shortDate.format(moment);
}

export function agoText(at: string): string {
  const minutes = Math.floor((Date.now() - new Date(at).getTime()) / 60_000);
  if (minutes < 1) return "just now";
  if (minutes < 60) return `${minutes} min ago`;
  return minutes < 24 * 60 ? `at ${clockText(at)}` : dayText(at).toLowerCase();
}

export function secondsUntil(atMs: number): number {
  return Math.max(0, Math.ceil((atMs - Date.now()) / 1_000));
}

function daysAgo(moment: Date): number {
  const midnight = new Date().setHours(0, 0, 0, 0);
  return Math.ceil((midnight - moment.getTime()) / dayMs);
}
