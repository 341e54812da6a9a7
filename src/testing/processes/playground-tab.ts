import type { BrowserContext, Locator, Page } from "playwright-core";
import { stepTimeoutMs, wideScreen } from "./browser.ts";

/** Somebody's tab of the playground, and what a person does in it. */
export class PlaygroundTab {
  readonly page: Page;
  /** What the browser complained of, except that a request was refused or the server away: that is told to the visitor. */
  readonly complaints: string[] = [];

  private constructor(page: Page) {
    this.page = page;
    page.setDefaultTimeout(stepTimeoutMs);
    page.on("pageerror", (error) => this.complaints.push(String(error)));
    page.on("console", (line) => {
      const isTold = /^(Failed to load resource|WebSocket connection to .* failed)/.test(line.text());
      if (["error", "warning"].includes(line.type()) && !isTold) this.complaints.push(line.text());
    });
  }

  /** As a sample user of `dev`; null: nobody yet. */
  static async open(
    browser: BrowserContext,
    options: {
      readonly url: string;
      readonly as: string | null;
      readonly viewport?: { readonly width: number; readonly height: number };
      /** Where the address leads: `#/c/…`. */
      readonly place?: string;
    },
  ): Promise<PlaygroundTab> {
    const tab = new PlaygroundTab(await browser.newPage());
    await tab.page.setViewportSize(options.viewport ?? wideScreen);
    await tab.page.goto(
      `${options.url}/playground${options.as ? `?as=${options.as}` : ""}${options.place ?? ""}`,
    );
    if (options.as) await tab.page.getByText("Connected", { exact: true }).waitFor({ state: "attached" });
    return tab;
  }

  /** A token where there are no sample users. */
  async bring(token: string): Promise<void> {
    await this.page.getByLabel("Token").fill(token);
    await this.page.getByRole("button", { name: "Enter" }).click();
  }

  row(title: string): Locator {
    return this.page.locator(".row", { has: this.page.getByText(title, { exact: true }) });
  }

  /** A conversation of the list. */
  async enter(title: string): Promise<void> {
    await this.row(title).click();
    await this.page.getByRole("heading", { name: title, level: 2 }).waitFor();
  }

  /** The direct conversation with somebody, made if there is none. */
  async write(to: string): Promise<void> {
    await this.page.getByRole("button", { name: "New conversation" }).first().click();
    await this.page.getByRole("dialog").getByLabel(to).check();
    await this.page.getByRole("button", { name: "Start", exact: true }).click();
    await this.page.getByRole("heading", { name: to, level: 2 }).waitFor();
  }

  /** A new group, opened. */
  async makeGroup(name: string, others: readonly string[]): Promise<void> {
    await this.page.getByRole("button", { name: "New conversation" }).first().click();
    const dialog = this.page.getByRole("dialog");
    for (const other of others) await dialog.getByLabel(other).check();
    await dialog.getByLabel("Name of the group").fill(name);
    await dialog.getByRole("button", { name: "Start", exact: true }).click();
    await this.page.getByRole("heading", { name, level: 2 }).waitFor();
  }

  get composer(): Locator {
    return this.page.locator("#composer");
  }

  async say(text: string): Promise<void> {
    await this.composer.fill(text);
    await this.composer.press("Enter");
  }

  /** What has the focus: its label, or its text. */
  focused(): Promise<string> {
    const name = "document.activeElement.getAttribute('aria-label') ?? document.activeElement.textContent";
    return this.page.evaluate<string>(name);
  }

  message(text: string): Locator {
    return this.page.locator(".message", { has: this.page.locator(".content", { hasText: text }) });
  }

  async sees(text: string): Promise<void> {
    await this.message(text).waitFor();
  }

  /** Until the tick of one's own message says that it came at least so far. */
  async seesStatus(text: string, status: "sent" | "delivered" | "read"): Promise<void> {
    const reached = { sent: ".sent, .delivered, .read", delivered: ".delivered, .read", read: ".read" }[
      status
    ];
    await this.message(text).locator(".tick").and(this.page.locator(reached)).waitFor();
  }

  /** Presence or typing, below the title of the open conversation. */
  async seesBelowTitle(text: string): Promise<void> {
    await this.page.locator(".conversation-title p", { hasText: text }).waitFor();
  }

  /** What a message offers beside it. */
  async act(text: string, tool: string, item?: string): Promise<void> {
    const message = this.message(text);
    await message.hover();
    await message.getByRole("button", { name: tool, exact: true }).click();
    if (item) await message.getByRole("button", { name: item }).click();
  }

  /** Answers the question that stands before all else. */
  async confirm(answer: string): Promise<void> {
    await this.page.getByRole("dialog").getByRole("button", { name: answer, exact: true }).click();
  }

  async showPanel(name: "Details" | "Frames on the wire"): Promise<Locator> {
    await this.page.getByRole("button", { name, exact: true }).first().click();
    return this.page.getByRole("complementary");
  }

  /** Cuts the line, or restores it. */
  async flipLine(): Promise<void> {
    await this.page.getByRole("switch", { name: "Line to the server" }).click();
  }

  /** Whom the tab says that it is. */
  account(): Promise<{ readonly userId: string; readonly deviceId: string }> {
    return this.page.evaluate(() => JSON.parse(sessionStorage.getItem("account")!));
  }

  close(): Promise<void> {
    return this.page.close();
  }
}

interface AccessibleNode {
  readonly ignored: boolean;
  readonly role?: { readonly value: string };
  readonly name?: { readonly value: string };
}

const interactive = new Set([
  "button",
  "checkbox",
  "combobox",
  "link",
  "MenuListPopup",
  "option",
  "searchbox",
  "switch",
  "textbox",
]);

/** Controls that a screen reader could not name, by what the browser itself tells assistive technology. */
export async function namelessControls(
  page: Page,
): Promise<{ readonly count: number; readonly nameless: readonly string[] }> {
  const session = await page.context().newCDPSession(page);
  const { nodes } = (await session.send("Accessibility.getFullAXTree")) as {
    readonly nodes: readonly AccessibleNode[];
  };
  const controls = nodes.filter(({ ignored, role }) => !ignored && role && interactive.has(role.value));
  const nameless = controls.filter(
    ({ role, name }) => role!.value !== "MenuListPopup" && !name?.value.trim(),
  );
  await session.detach();
  return { count: controls.length, nameless: nameless.map(({ role }) => role!.value) };
}
