/**
 * Instants are integers of microseconds since the Unix epoch inside, and ISO 8601 in UTC with six digits outside.
 * A number holds each microsecond of the years 1685 to 2254 exactly; beyond them is no instant.
 */

const usPerSecond = 1_000_000;
const instantPattern =
  /^(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?(Z|[+-]\d{2}(?::?\d{2})?)?$/;

/** `2026-11-23T22:28:00.123456Z`. */
export function formatInstant(us: number): string {
  const second = Math.floor(us / usPerSecond);
  return `${formatSecond(second)}.${String(us - second * usPerSecond).padStart(6, "0")}Z`;
}

/** `2026-11-23T22:28:00` */
export function formatSecond(second: number): string {
  return new Date(second * 1000).toISOString().slice(0, 19);
}

/** Reads ISO 8601 and PostgreSQL's own form; without a zone it is UTC. Digits past the microsecond are cut. Null: not an instant. */
export function parseInstant(text: string): number | null {
  const match = instantPattern.exec(text);
  if (!match) return null;
  const [, day, time, fraction = "", zone = "Z"] = match;
  const ms = Date.parse(`${day}T${time}${isoZone(zone)}`);
  if (Number.isNaN(ms)) return null;
  const us = ms * 1000 + Number(fraction.slice(0, 6).padEnd(6, "0"));
  return Number.isSafeInteger(us) ? us : null;
}

/**
 * Parses what PostgreSQL writes in UTC (`2026-11-23 22:28:00.123456+00`) in a tenth of the time of `parseInstant`: one page may hold a
 * thousand. Null: the text has another form. Does not check that digits are digits, or that the date exists.
 */
export function parseUtc(text: string): number | null {
  const zoneAt = text.length - 3;
  const digits = zoneAt - fractionAt;
  // `Date.UTC` takes the year 1 for 1901.
  const isThisForm = text.endsWith("+00") && text.charCodeAt(10) === space && text.charCodeAt(0) !== zero;
  if (!isThisForm || digits > 6 || zoneAt < fractionAt - 1) return null;
  const two = (at: number) => 10 * text.charCodeAt(at) + text.charCodeAt(at + 1) - 11 * zero;
  const ms = Date.UTC(100 * two(0) + two(2), two(5) - 1, two(8), two(11), two(14), two(17));
  let fraction = 0;
  for (let at = 0; at < 6; at++)
    fraction = 10 * fraction + (at < digits ? text.charCodeAt(fractionAt + at) - zero : 0);
  const us = ms * 1000 + fraction;
  return Number.isSafeInteger(us) ? us : null;
}

/** Behind the point. */
const fractionAt = 20;
const space = 0x20;
const zero = 0x30;

/** `+00` and `+0200` as `+00:00` and `+02:00`. */
function isoZone(zone: string): string {
  if (zone === "Z" || zone.includes(":")) return zone;
  return `${zone.slice(0, 3)}:${zone.slice(3) || "00"}`;
}
