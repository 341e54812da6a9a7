import type { CaughtUp } from "./catch-up.ts";
import type { Availability } from "./wire.ts";

export type Panel = "details" | "frames";

export type OpenDialog =
  | { readonly type: "new" }
  | { readonly type: "switch" }
  | { readonly type: "add-members" }
  | { readonly type: "message"; readonly seq: number }
  | { readonly type: "confirm"; readonly question: Question };

/** Asked before something that cannot be taken back. */
export interface Question {
  readonly title: string;
  readonly text: string;
  /** What the button says that does it. */
  readonly label: string;
  readonly act: () => unknown;
}

/** What is open below one message. */
export interface OpenMenu {
  readonly seq: number;
  readonly kind: "react" | "emoji" | "more";
}

/** Where the messages are to be scrolled to. */
export interface ScrollTarget {
  readonly seq: number;
  /** How far below the upper edge; null: in the middle, and pointed out. */
  readonly topPx: number | null;
}

/** What one looks at: everything that is not the server's. */
export interface Ui {
  openId: string | null;
  /** The one that was open before. */
  lastOpenId: string | null;
  /** The one that was asked for does not exist, or not for this user. */
  isMissing: boolean;
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
  /** The message that was jumped to last. */
  flashedSeq: number | null;
  /** At the next drawing. */
  scrollTo: ScrollTarget | null;
  /** Where the focus goes at the next drawing: to the composer, or, where it was on something that was closed, to what is nearest. */
  refocus: "composer" | "nearest" | null;
  emojiQuery: string;
  /** What is looked for in the dialog "Go to"; the list keeps a filter of its own. */
  goToQuery: string;
  availability: Availability;
}

export function freshUi(): Ui {
  return {
    openId: null,
    lastOpenId: null,
    isMissing: false,
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
    scrollTo: null,
    refocus: null,
    emojiQuery: "",
    goToQuery: "",
    availability: "online",
  };
}
