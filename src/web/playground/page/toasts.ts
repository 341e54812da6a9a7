import { type Refusal, refusalIn } from "./refused.ts";

export interface Toast {
  readonly number: number;
  readonly title: string;
  readonly text: string;
  /** Until when the server asked us to wait. */
  readonly retryAtMs: number | null;
}

const shownMs = 6_000;
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
};

/** What is told in passing: refusals, kindly. */
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
    const number = ++this.#count;
    const title = titles[reason] ?? "That did not work";
    const retryAtMs = retryAfterMs === null ? null : Date.now() + retryAfterMs;
    this.shown = [...this.shown, { number, title, text, retryAtMs }].slice(-mostShown);
    setTimeout(() => this.dismiss(number), Math.max(shownMs, retryAfterMs ?? 0));
    this.#redraw();
  }

  dismiss(number: number): void {
    this.shown = this.shown.filter((toast) => toast.number !== number);
    this.#redraw();
  }
}
