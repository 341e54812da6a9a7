import { Account } from "./account.ts";
import { App } from "./app.ts";
import { keptFocus } from "./focus.ts";
import { keyed } from "./keys.ts";
import type { Person } from "./people.ts";
import { placeOf } from "./place.ts";
import { refusalIn } from "./refused.ts";
import { draw } from "./render.ts";
import { applyTheme, watchTheme } from "./theme.ts";
import { landingView } from "./views/landing-view.ts";
import { keepPlace, keptScroll } from "./views/scroll.ts";
import { shellView } from "./views/shell-view.ts";

/** Behind a gateway the server has a prefix, which the page's own address tells. */
const base = location.pathname.replace(/\/playground\/?$/, "");
/** Countdowns. */
const tickMs = 1_000;
/** "Last seen" and days. */
const slowTickMs = 30_000;

applyTheme();
/** In which the server makes user ids of subjects that are not UUIDs; null: it refuses them. */
let subjectNamespace: string | null = null;
/** Draws the page. */
let drawAgain = () => {};
watchTheme(() => drawAgain());
document.addEventListener("DOMContentLoaded", () => void start());

async function start(): Promise<void> {
  const response = await fetch(`${base}/playground/users`);
  const served = (await response.json()) as {
    readonly users: readonly Person[];
    readonly subject_namespace: string | null;
  };
  const { users } = served;
  subjectNamespace = served.subject_namespace;
  const wanted = wantedUser(users);
  try {
    const account = wanted
      ? await Account.ofSampleUser(base, wanted.id)
      : await Account.restored(base, users, subjectNamespace);
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
    leadsOn: placeOf(location.hash).conversationId !== null,
    onUser: ({ id }) => void entering(() => Account.ofSampleUser(base, id)),
    onToken: (token) => void entering(() => Account.ofToken(base, token, subjectNamespace)),
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
  drawAgain = redraw;
  const app = new App({ base, account, known, redraw, signal, onExpired });
  await app.start(signal).catch((error) => {
    over.abort();
    throw error;
  });
  const timers = [setInterval(() => app.isCountingDown && redraw(), tickMs), setInterval(redraw, slowTickMs)];
  signal.addEventListener("abort", () => timers.forEach(clearInterval));
  document.addEventListener("keydown", (event) => keyed(app, event), { signal });
  document.addEventListener("click", (event) => clicked(app, event), { signal });
  window.addEventListener("resize", redraw, { signal });
  window.addEventListener("pagehide", () => keepPlace(app), { signal });
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
  const keepFocus = keptFocus(app.ui);
  draw(document.querySelector("#page")!, shellView(app));
  keepScroll();
  keepFocus();
  document.title = titleOf(app);
}

/** The browser's list of places shows it too. */
function titleOf(app: App): string {
  const { conversations, open, people, account } = app;
  const { unread } = conversations;
  const parts = [
    people.nameOf(account.userId),
    ...(open ? [app.titleOf(open)] : []),
    "whispr-msg playground",
  ];
  return `${unread > 0 ? `(${unread}) ` : ""}${parts.join(" · ")}`;
}

function clicked(app: App, event: MouseEvent): void {
  const isOnTools = (event.target as Element).closest?.(".tools");
  if (app.ui.menu && !isOnTools) app.closeMenu();
}
