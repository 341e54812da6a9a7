import { afterAll, beforeAll, expect, test } from "bun:test";
import type { Server } from "bun";
import type { BrowserContext, Page } from "playwright-core";
import { operations } from "../operations/list.ts";
import { pushes } from "../operations/pushes/list.ts";
import { narrowScreen, startBrowser, wideScreen } from "../testing/processes/browser.ts";
import { documentRoutes } from "../web/http/documents.ts";
import { pageFilesOf } from "../web/pages/page-files.ts";
import { pageRoutes } from "../web/pages/page-routes.ts";
import { referencePage } from "./reference-page.ts";

/** The API reference in a real browser, from nothing but the routes that it needs. */

let browser: BrowserContext;
let server: Server<undefined>;
let page: Page;
/** What the browser complains about: what the policy refuses is among it. */
const complaints: string[] = [];

beforeAll(async () => {
  const routes = new Map([
    ...documentRoutes("1.2.3"),
    ...pageRoutes("/docs", await pageFilesOf(referencePage)),
  ]);
  const fetch = (request: Request) =>
    routes.get(`GET ${new URL(request.url).pathname}`)?.(request) ?? new Response(null, { status: 404 });
  server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch });
  browser = await startBrowser();
  page = await browser.newPage();
  await page.setViewportSize(wideScreen);
  page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("request", (request) => {
    if (!request.url().startsWith(server.url.origin) && !request.url().startsWith("data:"))
      complaints.push(request.url());
  });
}, 180_000);

afterAll(async () => {
  await browser?.browser()?.close();
  await server?.stop(true);
});

async function open(path: string): Promise<void> {
  await page.goto(`${server.url.origin}${path}`);
  await page.getByRole("heading", { level: 1 }).waitFor();
}

test("every operation and every push has its page, and nothing comes from anywhere else", async () => {
  await open("/docs");
  for (const id of [
    ...operations.map(({ name }) => name),
    ...pushes.map(({ names }) => `push_${names[0]}`),
  ]) {
    await page.goto(`${server.url.origin}/docs#${id}`);
    await page.getByRole("heading", { level: 1, name: id.replace(/^push_/, ""), exact: true }).waitFor();
  }
  expect(complaints).toEqual([]);
});

test("an operation shows both of its doors, its fields and its refusals", async () => {
  await open("/docs#send_message");
  await page.getByText("/api/v1/conversations/{id}/messages").waitFor();
  await page.getByText("new_message on conversation:{id}").first().waitFor();
  expect(await page.getByText("client_random", { exact: true }).count()).toBeGreaterThan(1);
  await page.getByText("Refusals").first().click();
  await page.getByText("rate_limited").first().waitFor();
});

test("a search finds operations by their fields, and Enter opens the first", async () => {
  await open("/docs");
  await page.keyboard.press("/");
  await page.keyboard.type("auto_promoted_user_id");
  await page.getByRole("navigation").getByText("list_members").waitFor({ state: "hidden" });
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { level: 1, name: "leave_conversation" }).waitFor();
  await page.getByRole("searchbox").fill("nothing has this");
  await page.getByText("Nothing has these words.").waitFor();
});

test("it is as wide as a phone, also behind a gateway, and keeps its colours", async () => {
  await page.setViewportSize(narrowScreen);
  await open("/messaging/docs");
  expect(await page.evaluate("document.documentElement.scrollWidth <= innerWidth")).toBe(true);
  const theme = () => page.evaluate<string>("document.documentElement.dataset.theme");
  const before = await theme();
  await page.getByRole("button", { name: "Light or dark colours" }).click();
  await page.reload();
  expect(await theme()).not.toBe(before);
  expect(complaints).toEqual([]);
});
