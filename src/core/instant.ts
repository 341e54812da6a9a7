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

/** `+00` and `+0200` as `+00:00` and `+02:00`. */
function isoZone(zone: string): string {
  if (zone === "Z" || zone.includes(":")) return zone;
  return `${zone.slice(0, 3)}:${zone.slice(3) || "00"}`;
}
