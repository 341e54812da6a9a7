import { type Drawn, el } from "../render.ts";

/** 24 by 24, drawn with one stroke in the colour of the text around. */
const paths = {
  send: "M4 12 20 4l-5 16-3.5-6.5z M11.5 13.5 20 4",
  reply: "M9 7 4 12l5 5 M4.5 12H14a6 6 0 0 1 6 6v1",
  smile: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18z M8.5 14.5s1.2 2 3.5 2 3.5-2 3.5-2 M9 9.5v.5 M15 9.5v.5",
  more: "M5.5 12h.5 M11.75 12h.5 M18 12h.5",
  check: "m5 12.5 4.5 4.5L19 7.5",
  checks: "m2 12.5 4.5 4.5L16 7.5 M11 16l1 1 9.5-9.5",
  clock: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18z M12 7.5V12l3 2",
  warning: "M12 4 2.8 19.5h18.4z M12 10v4 M12 17v.01",
  plus: "M12 5v14 M5 12h14",
  search: "M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14z M16 16l4.5 4.5",
  back: "M15 5l-7 7 7 7",
  close: "M6 6l12 12 M18 6 6 18",
  people:
    "M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7z M2.5 20a6.5 6.5 0 0 1 13 0 M16 4.3a3.5 3.5 0 0 1 0 6.4 M18 14.2a6.5 6.5 0 0 1 3.5 5.8",
  details: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18z M12 11v5.5 M12 7.5v.01",
  frames:
    "M9 4H7.5A2.5 2.5 0 0 0 5 6.5v3L3 12l2 2.5v3A2.5 2.5 0 0 0 7.5 20H9 M15 4h1.5A2.5 2.5 0 0 1 19 6.5v3l2 2.5-2 2.5v3a2.5 2.5 0 0 1-2.5 2.5H15",
  sun: "M12 16.5a4.5 4.5 0 1 0 0-9 4.5 4.5 0 0 0 0 9z M12 2v2 M12 20v2 M2 12h2 M20 12h2 M5 5l1.4 1.4 M17.6 17.6 19 19 M5 19l1.4-1.4 M17.6 6.4 19 5",
  moon: "M20 14.5A8.5 8.5 0 0 1 9.5 4 8.5 8.5 0 1 0 20 14.5z",
  pencil: "M4 20l1-4.5L16.5 4 20 7.5 8.5 19z M14 6.5 17.5 10",
  trash: "M4 7h16 M9.5 7V4h5v3 M6 7l1 13h10l1-13 M10 11v5 M14 11v5",
  unread:
    "M20 12v5a2 2 0 0 1-2 2H6a2 2 0 0 1-2-2V9a2 2 0 0 1 2-2h7 M4.5 8.5 12 13l3-1.8 M19 8a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5z",
  link: "M10 14a4 4 0 0 0 5.7 0l3.3-3.3a4 4 0 0 0-5.7-5.7L12 6.3 M14 10a4 4 0 0 0-5.7 0L5 13.3A4 4 0 0 0 10.7 19l1.3-1.3",
  copy: "M9 9h11v11H9z M5 15H4V4h11v1",
  pause: "M8 5v14 M16 5v14",
  play: "M7 4.5 19 12 7 19.5z",
  down: "M12 5v14 M6 13l6 6 6-6",
  up: "M12 19V5 M6 11l6-6 6 6",
  out: "M14 4h6v6 M20 4l-9 9 M18 14v4a2 2 0 0 1-2 2H6a2 2 0 0 1-2-2V8a2 2 0 0 1 2-2h4",
  leave: "M10 4H6a2 2 0 0 0-2 2v12a2 2 0 0 0 2 2h4 M15 8l4 4-4 4 M19 12H9",
  line: "M4 12h4l2.5-6 3 12 2.5-6h4",
  retry: "M20 11a8 8 0 1 0-2 6.3 M20 4.5V11h-6.5",
} as const;

export type IconName = keyof typeof paths;

export function icon(name: IconName): Drawn {
  return el(
    "svg",
    { class: "icon", viewBox: "0 0 24 24", "aria-hidden": "true", focusable: "false" },
    el("path", { d: paths[name] }),
  );
}
