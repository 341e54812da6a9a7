import type { CaughtUp } from "./catch-up.ts";

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

export interface Toast {
  readonly number: number;
  readonly title: string;
  readonly text: string;
  /** Until when the server asked us to wait. */
  readonly retryAtMs: number | null;
}

/** What one looks at, and what one is about to do: everything that is not the server's. */
export interface Ui {
  openId: string | null;
  panel: Panel | null;
  filter: string;
  readonly drafts: Map<string, string>;
  replyToSeq: number | null;
  editingSeq: number | null;
  menu: OpenMenu | null;
  dialog: OpenDialog | null;
  toasts: readonly Toast[];
  /** The first message that was unread when the conversation was opened. */
  unreadFromSeq: number | null;
  /** How many came while one looked further up. */
  missedBelow: number;
  /** The message that came last, told to who does not see the page. */
  announced: { readonly conversationId: string; readonly seq: number } | null;
  caughtUp: CaughtUp | null;
  frameFilter: string;
  readonly openFrames: Set<number>;
  /** A message that was jumped to, for a while. */
  flashedSeq: number | null;
  /** One that is to be scrolled to at the next drawing. */
  scrollToSeq: number | null;
  availability: "online" | "away" | "busy" | "offline";
}

export function freshUi(): Ui {
  return {
    openId: null,
    panel: null,
    filter: "",
    drafts: new Map(),
    replyToSeq: null,
    editingSeq: null,
    menu: null,
    dialog: null,
    toasts: [],
    unreadFromSeq: null,
    missedBelow: 0,
    announced: null,
    caughtUp: null,
    frameFilter: "",
    openFrames: new Set(),
    flashedSeq: null,
    scrollToSeq: null,
    availability: "online",
  };
}
