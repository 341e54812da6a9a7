import { copyText } from "./clipboard.ts";
import { type Refusal, refusalIn } from "./refused.ts";

export interface Toast {
  readonly number: number;
  readonly title: string;
  readonly text: string;
  /** Until when the server asked us to wait. */
  readonly retryAtMs: number | null;
  /** What takes it back. */
  readonly undo: (() => void) | null;
}

const shownMs = 10_000;
/** Long enough to read it, find the button and press it. */
const undoShownMs = 12_000;
const copiedShownMs = 2_500;
const mostShown = 3;

const titles: Readonly<Record<string, string>> = {
  rate_limited: "A little slower, please",
  overloaded: "The server is busy",
  unavailable: "The server is not ready",
  forbidden: "You may not do that here",
  invalid_payload: "Something is missing",
  not_found: "It is not there any more",
  conflict: "That does not fit",
  line_cut: "The line is cut",
  unreachable: "No connection",
  gone: "It is over",
  not_copied: "Nothing was copied",
  no_such_message: "It is not there",
};

/** What is told in passing: refusals, kindly, and what can still be taken back. */
export class Toasts {
  shown: readonly Toast[] = [];
  readonly #redraw: () => void;
  #count = 0;

  constructor(options: { readonly redraw: () => void }) {
    this.#redraw = options.redraw;
  }

  /** Whether it was not refused. */
  async attempt(act: () => Promise<unknown>): Promise<boolean> {
    try {
      await act();
      return true;
    } catch (error) {
      this.show(refusalIn(error));
      return false;
    } finally {
      this.#redraw();
    }
  }

  show({ reason, message: text, retryAfterMs }: Refusal): void {
    const title = titles[reason] ?? "That did not work";
    const retryAtMs = retryAfterMs === null ? null : Date.now() + retryAfterMs;
    this.#add({ title, text, retryAtMs, undo: null }, Math.max(shownMs, retryAfterMs ?? 0));
  }

  /** Copies a text and says so; also when the browser forbids it. */
  async copy(text: string, done: string): Promise<void> {
    try {
      await copyText(text);
      this.#add({ title: done, text: "", retryAtMs: null, undo: null }, copiedShownMs);
    } catch {
      this.show({ reason: "not_copied", message: "The browser did not allow it.", retryAfterMs: null });
    }
  }

  /** Something was done that can be taken back for a while. */
  offerUndo(title: string, undo: () => void): void {
    this.#add({ title, text: "", retryAtMs: null, undo }, undoShownMs);
  }

  #add(toast: Omit<Toast, "number">, forMs: number): void {
    const number = ++this.#count;
    this.shown = [...this.shown, { ...toast, number }].slice(-mostShown);
    setTimeout(() => this.dismiss(number), forMs);
    this.#redraw();
  }

  dismiss(number: number): void {
    this.shown = this.shown.filter((toast) => toast.number !== number);
    this.#redraw();
  }
}
