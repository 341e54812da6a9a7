import { Account } from "./account.ts";
import { App } from "./app.ts";
import type { Person } from "./people.ts";
import { refusalIn } from "./refused.ts";
import { draw } from "./render.ts";
import { applyTheme } from "./theme.ts";
import { landingView } from "./views/landing-view.ts";
import { keptScroll } from "./views/scroll.ts";
import { shellView } from "./views/shell-view.ts";

/** Behind a gateway the server has a prefix, which the page's own address tells. */
const base = location.pathname.replace(/\/playground\/?$/, "");
/** Countdowns. */
const tickMs = 1_000;
/** "Last seen" and days. */
const slowTickMs = 30_000;

applyTheme();
document.addEventListener("DOMContentLoaded", () => void start());

async function start(): Promise<void> {
  const response = await fetch(`${base}/playground/users`);
  const { users } = (await response.json()) as { readonly users: readonly Person[] };
  const wanted = wantedUser(users);
  try {
    const account = wanted
      ? await Account.ofSampleUser(base, wanted.id)
      : await Account.restored(base, users);
    if (account) await enter(account, users);
    else land(users, null);
  } catch (error) {
    land(users, refusalIn(error).message);
  }
}

/** `?as=bob`: how a second tab is opened. */
function wantedUser(users: readonly Person[]): Person | null {
  const as = new URLSearchParams(location.search).get("as");
  return users.find(({ name }) => name.toLowerCase() === as) ?? null;
}

function land(users: readonly Person[], problem: string | null): void {
  Account.forget();
  const entering = async (open: () => Promise<Account | null>) => {
    try {
      const account = await open();
      if (account) await enter(account, users);
      else land(users, "That is no token: a JWT with a subject was expected.");
    } catch (error) {
      land(users, refusalIn(error).message);
    }
  };
  const view = landingView({
    users,
    problem,
    onUser: ({ id }) => void entering(() => Account.ofSampleUser(base, id)),
    onToken: (token) => void entering(async () => Account.ofToken(base, token)),
  });
  draw(document.querySelector("#page")!, [view]);
}

async function enter(account: Account, known: readonly Person[]): Promise<void> {
  const over = new AbortController();
  const { signal } = over;
  const onExpired = () => {
    over.abort();
    app.line.cut();
    land(known, "Your token is over, or was never good here. Paste another one.");
  };
  const redraw = coalesced(signal, () => drawShell(app));
  const app = new App({ base, account, known, redraw, onExpired });
  await app.start(signal);
  const timers = [setInterval(() => app.isCountingDown && redraw(), tickMs), setInterval(redraw, slowTickMs)];
  signal.addEventListener("abort", () => timers.forEach(clearInterval));
  document.addEventListener("keydown", (event) => keyed(app, event), { signal });
  document.addEventListener("click", (event) => clicked(app, event), { signal });
  window.addEventListener("resize", redraw, { signal });
  redraw();
}

/**
 * Once for all that changed in one go. Not with animation frames: those stand still in a tab that nobody sees, whose title must still
 * count.
 */
function coalesced(signal: AbortSignal, act: () => void): () => void {
  let isDue = false;
  return () => {
    if (isDue) return;
    isDue = true;
    setTimeout(() => {
      isDue = false;
      if (!signal.aborted) act();
    });
  };
}

function drawShell(app: App): void {
  const keepScroll = keptScroll(app);
  const focused = document.activeElement;
  draw(document.querySelector("#page")!, shellView(app));
  keepScroll();
  // What moves among its siblings loses the focus.
  if (focused instanceof HTMLElement && focused.isConnected) focused.focus({ preventScroll: true });
  document.title = titleOf(app);
}

function titleOf(app: App): string {
  const { unread } = app.conversations;
  const name = app.people.nameOf(app.account.userId);
  return `${unread > 0 ? `(${unread}) ` : ""}${name} · whispr-msg playground`;
}

function keyed(app: App, event: KeyboardEvent): void {
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
    event.preventDefault();
    app.showDialog({ type: "switch" });
  } else if (event.key === "Escape") back(app);
}

/** One step out of whatever is open; dialogs close by themselves. */
function back(app: App): void {
  const { ui } = app;
  if (ui.dialog) return;
  if (ui.menu) ui.menu = null;
  else if (ui.panel) ui.panel = null;
  else if (app.writing.subject) return app.writing.cancel();
  else return app.showList();
  app.redraw();
}

function clicked(app: App, event: MouseEvent): void {
  const isOnTools = (event.target as Element).closest?.(".tools");
  if (!app.ui.menu || isOnTools) return;
  app.ui.menu = null;
  app.redraw();
}
