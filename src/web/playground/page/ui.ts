import type { CaughtUp } from "./catch-up.ts";
import type { Availability } from "./wire.ts";

export type Panel = "details" | "frames";

export type OpenDialog =
  | { readonly type: "new" }
  | { readonly type: "switch" }
  | { readonly type: "add-members" }
  | { readonly type: "message"; readonly seq: number };

/** What is open below one message. */
export interface OpenMenu {
  readonly seq: number;
  readonly kind: "react" | "more";
}

/** What one looks at: everything that is not the server's. */
export interface Ui {
  openId: string | null;
  panel: Panel | null;
  filter: string;
  menu: OpenMenu | null;
  dialog: OpenDialog | null;
  /** Whether the newest message is in view. */
  isAtEnd: boolean;
  /** How many came while one looked further up. */
  missedBelow: number;
  /** The first message that was unread when the conversation was opened. */
  unreadFromSeq: number | null;
  /** The message that came last, told to who does not see the page. */
  announced: { readonly conversationId: string; readonly seq: number } | null;
  /** The line has been away for longer than a reconnect takes. */
  isAway: boolean;
  caughtUp: CaughtUp | null;
  frameFilter: string;
  readonly openFrames: Set<number>;
  /** The message that arrow keys are at: only its controls are on the way of the tab key. */
  currentSeq: number | null;
  /** A message that was jumped to, for a while. */
  flashedSeq: number | null;
  /** One that is to be scrolled to at the next drawing. */
  scrollToSeq: number | null;
  availability: Availability;
}

export function freshUi(): Ui {
  return {
    openId: null,
    panel: null,
    filter: "",
    menu: null,
    dialog: null,
    isAtEnd: true,
    missedBelow: 0,
    unreadFromSeq: null,
    announced: null,
    isAway: false,
    caughtUp: null,
    frameFilter: "",
    openFrames: new Set(),
    currentSeq: null,
    flashedSeq: null,
    scrollToSeq: null,
    availability: "online",
  };
}
