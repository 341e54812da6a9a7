import { expect } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { newId } from "../system.ts";
import { eventually } from "../testing/eventually.ts";
import { narrowScreen } from "../testing/processes/browser.ts";
import { PlaygroundStage } from "../testing/processes/playground-stage.ts";
import { namelessControls, type PlaygroundTab } from "../testing/processes/playground-tab.ts";

/** The page as people know it from other chats: addresses, keys, tabs that agree, and what is asked before it is done. */

const stage = new PlaygroundStage();
const { scene, tab } = stage;

async function sees(who: PlaygroundTab, heading: string): Promise<void> {
  await who.page.getByRole("heading", { name: heading, level: 2 }).waitFor();
}

async function hasFocus(who: PlaygroundTab, label: string): Promise<void> {
  await eventually(`the focus is on ${label}`, async () => (await who.focused()).startsWith(label));
}

/** What the page put into the clipboard: it is one for all pages. */
async function copied(who: PlaygroundTab, copy: () => Promise<void>): Promise<string> {
  await who.page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  await who.page.evaluate("navigator.clipboard.writeText('')");
  await copy();
  const read = () => who.page.evaluate<string>("navigator.clipboard.readText()");
  await eventually("something was copied", async () => (await read()) !== "");
  return read();
}

function dots(who: PlaygroundTab): Promise<number> {
  return who.page.locator(".members .presence").count();
}

scene("each conversation has an address: a reload keeps the place, Back and Forward work", async () => {
  const alice = await tab("alice");
  await alice.makeGroup("First", ["Bob"]);
  await alice.makeGroup("Second", ["Bob"]);
  await alice.page.goBack();
  await sees(alice, "First");
  await alice.page.goForward();
  await sees(alice, "Second");
  await alice.showPanel("Details");
  await alice.page.reload();
  await sees(alice, "Second");
  await alice.page.getByRole("button", { name: "Leave the group" }).waitFor();
  await alice.page.goBack();
  await alice.page.getByRole("complementary").waitFor({ state: "detached" });
  await sees(alice, "Second");
  expect(await alice.page.title()).toStartWith("Alice · Second");
});

scene("on a phone Back closes what was opened, and does not open again what a button closed", async () => {
  const bob = await tab("bob", { viewport: narrowScreen });
  await bob.makeGroup("Pocket", ["Emi"]);
  await bob.showPanel("Details");
  await bob.page.goBack();
  await bob.composer.waitFor();
  await bob.showPanel("Details");
  await bob.page.getByRole("button", { name: "Back to the conversation" }).click();
  await bob.composer.waitFor();
  await bob.page.getByRole("button", { name: "Back to the list" }).click();
  await bob.row("Pocket").click();
  await bob.composer.waitFor();
  await bob.page.goBack();
  await bob.row("Pocket").waitFor();
});

scene("a link to a message leads there, also whoever has to say first who they are", async () => {
  const [diego, chloé] = [await tab("diego"), await tab("chloé")];
  const post = await stage.poster(diego);
  const user_ids = [(await chloé.account()).userId];
  const { id } = await post("/conversations", { type: "group", name: "Linked", user_ids });
  for (let number = 1; number <= 70; number++)
    await post(`/conversations/${id}/messages`, { content: `line ${number}.` });
  await diego.enter("Linked");
  await diego.sees("line 70.");
  const link = await copied(diego, () => diego.act("line 70.", "More", "Copy link"));
  expect(link).toEndWith(`#/c/${id}/70`);
  const somebody = await tab(null, { place: `#/c/${id}/3` });
  await somebody.page.getByText("The link leads to a conversation").waitFor();
  await somebody.page.getByRole("button", { name: "Chloé" }).click();
  await somebody.page.locator(".message[data-seq='3'][aria-current='true']").waitFor();
  await somebody.message("line 3.").waitFor();
  const lost = await tab("diego", { place: `#/c/${id}/999` });
  await lost.page.getByText("That message is not there").waitFor();
});

scene("an address that leads nowhere is answered kindly, and followed once one is let in", async () => {
  const [alice, emi] = [await tab("alice"), await tab("emi", { place: "#/c/nonsense" })];
  await sees(emi, "This conversation is not here");
  await emi.page.getByRole("button", { name: "Your conversations" }).click();
  await emi.page.getByRole("heading", { name: /Say hello|Choose a conversation/ }).waitFor();
  await alice.makeGroup("By invitation", ["Bob"]);
  await alice.say("Who is there?");
  const place = new URL(alice.page.url()).hash;
  const guest = await tab("emi", { place });
  await sees(guest, "This conversation is not here");
  const details = await alice.showPanel("Details");
  await details.getByRole("button", { name: "Add" }).click();
  await alice.page.getByRole("dialog").getByLabel("Emi").check();
  await alice.page.getByRole("dialog").getByRole("button", { name: "Add" }).click();
  await sees(guest, "By invitation");
  await alice.say("Welcome");
  await guest.sees("Welcome");
});

scene("what could not be read when a conversation was opened is read once the line is back", async () => {
  const [bob, diego] = [await tab("bob"), await tab("diego")];
  await bob.makeGroup("Tunnel", ["Diego"]);
  await bob.say("before the tunnel");
  await diego.row("Tunnel").getByText("before the tunnel").waitFor();
  const history = /\/messages\?limit=/;
  await diego.page.route(history, (route) => route.abort());
  await diego.row("Tunnel").click();
  await diego.page.getByText("The server cannot be reached.").first().waitFor();
  expect(await diego.message("before the tunnel").count()).toBe(0);
  await diego.page.unroute(history);
  await diego.flipLine();
  await diego.flipLine();
  await diego.sees("before the tunnel");
  await bob.seesStatus("before the tunnel", "read");
});

scene("what is read counts as read, also when the line broke before the server heard of it", async () => {
  const [alice, bob] = [await tab("alice"), await tab("bob")];
  await alice.makeGroup("Lossy", ["Bob"]);
  let isLossy = true;
  await bob.page.routeWebSocket(/\/socket\//, (socket) => {
    const server = socket.connectToServer();
    socket.onMessage((frame) => {
      if (!isLossy || !String(frame).includes('"message_read"')) server.send(frame);
    });
  });
  await bob.page.reload();
  await bob.enter("Lossy");
  await alice.say("Do you read me?");
  await bob.sees("Do you read me?");
  await alice.seesStatus("Do you read me?", "delivered");
  isLossy = false;
  await bob.flipLine();
  await bob.flipLine();
  await alice.seesStatus("Do you read me?", "read");
});

scene("a panel that was closed stays closed in a browser that does not go back", async () => {
  const chloé = await tab("chloé");
  await chloé.makeGroup("Stuck", ["Emi"]);
  const frames = await chloé.showPanel("Frames on the wire");
  await frames.waitFor();
  await chloé.page.evaluate("history.back = () => {}");
  await chloé.page.getByRole("button", { name: "Close the panel" }).click();
  await frames.waitFor({ state: "detached" });
  await chloé.page.waitForURL(({ hash }) => !hash.endsWith("/frames"));
  expect(await frames.count()).toBe(0);
});

scene("Escape closes one thing at a time, and the focus is always where one goes on", async () => {
  const chloé = await tab("chloé");
  const { page, composer } = chloé;
  await chloé.makeGroup("Steps", ["Emi"]);
  await chloé.say("one");
  await chloé.seesStatus("one", "sent");
  const frames = await chloé.showPanel("Frames on the wire");
  await chloé.act("one", "Reply");
  await chloé.act("one", "React");
  await page.keyboard.press("Escape");
  await page.locator(".popover").waitFor({ state: "detached" });
  await hasFocus(chloé, "React");
  await page.getByText("Reply to You").waitFor();
  await page.keyboard.press("Escape");
  await page.getByText("Reply to You").waitFor({ state: "detached" });
  await hasFocus(chloé, "Message to Steps");
  await frames.getByLabel("Filter frames").fill("nothing");
  await page.keyboard.press("Escape");
  expect(await frames.getByLabel("Filter frames").inputValue()).toBe("");
  await chloé.act("one", "More", "Who has read it");
  await page.getByRole("dialog").waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  await hasFocus(chloé, "More");
  await page.keyboard.press("Escape");
  await frames.waitFor({ state: "detached" });
  expect(await composer.isVisible()).toBe(true);
  await page.keyboard.press("Escape");
  await page.getByRole("heading", { name: "Choose a conversation" }).waitFor();
  await eventually("the focus is on its row", async () => (await chloé.focused()).includes("Steps"));
  await page.keyboard.press("Enter");
  await hasFocus(chloé, "Message to Steps");
});

scene("Ctrl K finds a conversation by keys alone, and leaves the list as it was", async () => {
  const diego = await tab("diego");
  const { page } = diego;
  await diego.makeGroup("Harbour", ["Emi"]);
  await diego.makeGroup("Lighthouse", ["Emi"]);
  await page.keyboard.press("Control+k");
  const dialog = page.getByRole("dialog", { name: "Go to" });
  await dialog.getByRole("searchbox").fill("harb");
  await dialog.getByRole("button", { name: "Lighthouse" }).waitFor({ state: "detached" });
  // First what is in the search, then the dialog.
  await page.keyboard.press("Escape");
  await dialog.getByRole("button", { name: "Lighthouse" }).waitFor();
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "detached" });
  await hasFocus(diego, "Message to Lighthouse");
  expect(await diego.row("Lighthouse").isVisible()).toBe(true);
  await page.keyboard.press("Control+k");
  await dialog.getByRole("searchbox").fill("harb");
  await dialog.getByRole("button", { name: "Lighthouse" }).waitFor({ state: "detached" });
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await sees(diego, "Harbour");
});

scene("Up edits the last message also after a click, and what was begun before it is kept", async () => {
  const emi = await tab("emi");
  const { page, composer } = emi;
  await emi.makeGroup("Typing", ["Bob"]);
  await composer.fill("frist");
  await page.getByRole("button", { name: "Send" }).click();
  await emi.seesStatus("frist", "sent");
  await page.keyboard.press("ArrowUp");
  await page.getByText("Edit message").waitFor();
  await emi.say("first");
  await emi.message("first").getByText("edited").waitFor();
  await page.locator(".conversation-title").click();
  await page.keyboard.type("half a sen");
  await eventually("it is in the composer", async () => (await composer.inputValue()) === "half a sen");
  await emi.act("first", "More", "Edit");
  await eventually("the old text is there", async () => (await composer.inputValue()) === "first");
  await page.keyboard.press("Escape");
  await eventually("the draft is back", async () => (await composer.inputValue()) === "half a sen");
});

scene("what was begun is there after a reload, in the list, and in the other tabs of its user", async () => {
  const [left, right] = [await tab("alice"), await tab("alice")];
  await left.makeGroup("Letters", ["Bob"]);
  await left.say("Dear all");
  await left.seesStatus("Dear all", "sent");
  await left.act("Dear all", "Reply");
  await left.composer.fill("and now");
  await right.row("Letters").getByText("Draft: and now").waitFor();
  await left.page.reload();
  await eventually("it is kept", async () => (await left.composer.inputValue()) === "and now");
  await left.page.getByText("Reply to You").waitFor();
  await right.enter("Letters");
  await eventually("here too", async () => (await right.composer.inputValue()) === "and now");
  await right.composer.press("Enter");
  await left.message("and now").getByRole("button", { name: "You Dear all" }).waitFor();
  await eventually("it is sent", async () => (await left.composer.inputValue()) === "");
});

scene("an answer that was begun is sent as one by a tab that has not read the conversation yet", async () => {
  const [left, right] = [await tab("alice"), await tab("alice")];
  const held = Promise.withResolvers<void>();
  await left.makeGroup("Slow line", ["Bob"]);
  await left.say("Well?");
  await left.seesStatus("Well?", "sent");
  await left.act("Well?", "Reply");
  await left.composer.fill("Well.");
  await right.page.route("**/messages?*", (route) => held.promise.then(() => route.continue()));
  await right.page.reload();
  await right.enter("Slow line");
  await eventually("the draft is there", async () => (await right.composer.inputValue()) === "Well.");
  await right.composer.press("Enter");
  await left.message("Well.").getByRole("button", { name: "You Well?" }).waitFor();
  held.resolve();
  await right.message("Well.").getByRole("button", { name: "You Well?" }).waitFor();
});

scene("where one was in a long conversation is kept over a reload", async () => {
  const bob = await tab("bob");
  const post = await stage.poster(bob);
  const { id } = await post("/conversations", { type: "group", name: "Long", user_ids: [newId()] });
  for (let number = 1; number <= 90; number++)
    await post(`/conversations/${id}/messages`, { content: `line ${number}.` });
  await bob.enter("Long");
  await bob.sees("line 90.");
  const scroller = bob.page.getByRole("region", { name: "Messages" });
  await scroller.evaluate((element) => element.scrollTo(0, 100));
  await bob.message("line 1.").waitFor({ state: "attached" });
  await bob.message("line 30.").scrollIntoViewIfNeeded();
  const top = async () => Math.round((await bob.message("line 30.").boundingBox())?.y ?? 0);
  const before = await top();
  await bob.page.reload();
  await bob.message("line 30.").waitFor({ state: "attached" });
  await eventually("it stands where it stood", async () => Math.abs((await top()) - before) < 4);
});

scene(
  "colours that are chosen in one tab are those of all, and the system's change is followed",
  async () => {
    const [one, other] = [await tab("bob"), await tab("emi")];
    await one.page.getByRole("button", { name: "Dark colours" }).click();
    await other.page.getByRole("button", { name: "Light colours" }).waitFor();
    await other.page.locator("html[data-theme='dark']").waitFor();
    await other.page.getByRole("button", { name: "Light colours" }).click();
    await one.page.locator("html[data-theme='light']").waitFor();
    await one.page.emulateMedia({ colorScheme: "dark" });
    await one.page.getByRole("button", { name: "Light colours" }).waitFor();
    await one.page.locator("html[data-theme='dark']").waitFor();
  },
);

scene(
  "as many are counted online as have a dot, oneself too, and all tabs of one user say the same",
  async () => {
    const [alice, again, bob] = [await tab("alice"), await tab("alice"), await tab("bob")];
    await alice.makeGroup("Headcount", ["Bob", "Chloé"]);
    await bob.enter("Headcount");
    await alice.seesBelowTitle("3 members, 1 online");
    await bob.say("Present!");
    await alice.showPanel("Details");
    await bob.showPanel("Details");
    for (const who of [alice, bob]) {
      await who.seesBelowTitle("3 members, 2 online");
      expect(await dots(who)).toBe(2);
    }
    await alice.page.getByLabel("Your availability").selectOption("offline");
    for (const who of [alice, bob]) {
      await who.seesBelowTitle("3 members, 1 online");
      expect(await dots(who)).toBe(1);
    }
    const availability = again.page.getByLabel("Your availability");
    await eventually("the other tab says so", async () => (await availability.inputValue()) === "offline");
    await availability.selectOption("busy");
    await bob.seesBelowTitle("3 members, 2 online");
    await alice.page.locator(".profile .presence.busy").waitFor();
  },
);

scene("what cannot be taken back is asked first, and a no changes nothing", async () => {
  const [alice, bob] = [await tab("alice"), await tab("bob")];
  await alice.makeGroup("Careful", ["Bob", "Emi"]);
  await alice.say("keep me");
  await bob.enter("Careful");
  await bob.sees("keep me");
  await alice.act("keep me", "More", "Delete for everyone");
  await alice.confirm("Cancel");
  const details = await alice.showPanel("Details");
  await details.getByRole("button", { name: "Remove Emi" }).click();
  await alice.page.getByRole("dialog", { name: "Remove Emi?" }).waitFor();
  await hasFocus(alice, "Cancel");
  await alice.page.keyboard.press("Enter");
  await details.getByRole("button", { name: "Leave the group" }).click();
  await alice.confirm("Cancel");
  await details.getByLabel("Role of Bob").selectOption("Make owner …");
  await alice.page.getByRole("dialog", { name: "Make Bob the owner?" }).waitFor();
  await alice.page.keyboard.press("Escape");
  await bob.say("all is as it was");
  await alice.sees("all is as it was");
  await alice.sees("keep me");
  await details.getByText("3 members").first().waitFor();
  expect(await details.getByLabel("Role of Bob").inputValue()).toBe("member");
});

scene("a group is handed over: the one becomes its owner, the other an admin", async () => {
  const [alice, bob] = [await tab("alice"), await tab("bob")];
  await alice.makeGroup("Heirloom", ["Bob"]);
  await bob.enter("Heirloom");
  const details = await alice.showPanel("Details");
  await details.getByLabel("Role of Bob").selectOption("Make owner …");
  await alice.confirm("Make owner");
  await bob.page.getByText("You are now the owner").waitFor();
  await (await bob.showPanel("Details")).getByLabel("Role of Alice").waitFor();
  await details.getByLabel("Role of Bob").waitFor({ state: "detached" });
});

scene("what is discarded or cleared can be taken back for a while", async () => {
  const [emi, diego] = [await tab("emi"), await tab("diego")];
  await emi.makeGroup("Second thoughts", ["Diego"]);
  await diego.enter("Second thoughts");
  await diego.flipLine();
  await diego.say("too late");
  await (await emi.showPanel("Details")).getByLabel("Write messages").selectOption("Admins");
  await emi.page.getByText("You changed the rules: admins may write messages").waitFor();
  await diego.flipLine();
  await diego.page.getByRole("button", { name: "Discard" }).click();
  await diego.message("too late").waitFor({ state: "detached" });
  await diego.page.getByRole("button", { name: "Undo" }).click();
  await diego.sees("too late");
  const frames = await diego.showPanel("Frames on the wire");
  const many = await frames.locator(".frame").count();
  await frames.getByRole("button", { name: "Clear" }).click();
  await diego.page.getByRole("button", { name: "Undo" }).click();
  await eventually("they are back", async () => (await frames.locator(".frame").count()) >= many);
});

scene(
  "a frame is readable to its end, and copied as curl or JS it does at the server what it did",
  async () => {
    const directory = mkdtempSync(join(tmpdir(), "whispr-copied-"));
    const [emi, bob] = [await tab("emi"), await tab("bob")];
    const text = `it's "quoted" $HOME \`id\` \\ ${"long".repeat(60)}`;
    await emi.makeGroup("Copies", ["Bob"]);
    await emi.say(text);
    await emi.act("it's", "React", "React with 👍");
    await bob.enter("Copies");
    const frames = await emi.showPanel("Frames on the wire");
    await frames.getByLabel("Filter frames").fill("longlong");
    await frames.getByRole("button", { name: /^sent new_message/ }).click();
    const json = frames.locator("pre");
    expect(await json.evaluate((pre) => pre.scrollWidth - pre.clientWidth)).toBe(0);
    const curl = await copied(emi, () => frames.getByRole("button", { name: "Copy as curl" }).click());
    const answer = JSON.parse(await output(["sh", "-c", curl]));
    expect(answer.data).toMatchObject({ content: text, seq: 2 });
    expect(JSON.parse(await output(["sh", "-c", curl])).data).toMatchObject({ id: answer.data.id });
    const script = await copied(emi, () => frames.getByRole("button", { name: "Copy as JS" }).click());
    const file = join(directory, "copied.mjs");
    writeFileSync(file, script);
    expect(await output([process.execPath, file])).toContain(`"status":"ok","response":{"message":{`);
    await eventually("all three are there", async () => (await bob.page.locator(".message").count()) === 3);
    await frames.getByRole("button", { name: /^sent new_message/ }).click();
    await frames
      .getByRole("button", { name: /^received new_message/ })
      .first()
      .click();
    const read = await copied(emi, () => frames.getByRole("button", { name: "Copy as curl" }).click());
    expect(JSON.parse(await output(["sh", "-c", read])).data).toMatchObject([{ content: text }]);
    await frames.getByLabel("Filter frames").fill("/reactions");
    await frames.getByRole("button", { name: /^sent POST 201/ }).click();
    const call = await copied(emi, () => frames.getByRole("button", { name: "Copy as JS" }).click());
    writeFileSync(file, call);
    expect(await output([process.execPath, file])).toMatch(/^20[01] \{"data"/);
    rmSync(directory, { recursive: true });
  },
);

async function output(command: string[]): Promise<string> {
  const child = Bun.spawn(command, {
    stdout: "pipe",
    stderr: "inherit",
    env: { PATH: process.env.PATH ?? "" },
  });
  expect([await child.exited, command[0]]).toEqual([0, command[0]]);
  return new Response(child.stdout).text();
}

scene("addresses in messages are links that lead where they say, and nothing else is", async () => {
  const [diego, bob] = [await tab("diego"), await tab("bob")];
  await diego.makeGroup("Links", ["Bob"]);
  await bob.enter("Links");
  const text =
    "https://example.org/a_(b)?q=1. www.example.org, me@example.org javascript:alert(1) data:text/html,x https://bank.example@evil.example <a href=x>";
  await diego.say(text);
  await bob.sees("https://example.org");
  const links = bob.page.locator(".content a");
  expect(await links.evaluateAll((all) => all.map((link) => link.getAttribute("href")))).toEqual([
    "https://example.org/a_(b)?q=1",
    "https://www.example.org/",
    "mailto:me@example.org",
  ]);
  expect(await links.first().getAttribute("rel")).toContain("noopener");
  expect(await bob.page.locator(".content").textContent()).toBe(text);
});

scene("any emoji can be a reaction: found by its name, typed, or used before", async () => {
  const [alice, emi] = [await tab("alice"), await tab("emi")];
  await alice.makeGroup("Menagerie", ["Emi"]);
  await alice.say("Which animal?");
  await emi.enter("Menagerie");
  const pick = async (query: string) => {
    await emi.act("Which animal?", "React", "More reactions");
    await emi.page.getByLabel("Search reactions").fill(query);
    await emi.page.keyboard.press("Enter");
  };
  await pick("penguin");
  await alice.message("Which animal?").getByRole("button", { name: "🐧 by Emi" }).waitFor();
  await pick("🦥");
  await alice.message("Which animal?").getByRole("button", { name: "🦥 by Emi" }).waitFor();
  await emi.act("Which animal?", "React", "More reactions");
  await emi.page.getByRole("region", { name: "Used last" }).getByLabel("React with 🐧").waitFor();
  expect((await namelessControls(emi.page)).nameless).toEqual([]);
  await emi.page.getByLabel("Search reactions").press("ArrowDown");
  await hasFocus(emi, "React with");
  await emi.page.keyboard.press("Escape");
  await hasFocus(emi, "React");
  await emi.page.evaluate("localStorage.removeItem('reactions')");
});

scene(
  "a group tells when it began, what was changed and by whom, and asks only who may write to say hello",
  async () => {
    const [chloé, bob, emi] = [await tab("chloé"), await tab("bob"), await tab("emi")];
    await chloé.makeGroup("Notice board", ["Bob", "Emi"]);
    await bob.enter("Notice board");
    await bob.page.getByText(/^Group created on \d/).waitFor();
    await bob.page.getByText("Nothing written yet. Say hello.").waitFor();
    await emi.flipLine();
    const details = await chloé.showPanel("Details");
    await details.getByLabel("Write messages").selectOption("Moderators and up");
    await bob.page.getByText("Chloé changed the rules: moderators and up may write messages").waitFor();
    await bob.page.getByText("Nothing written yet.", { exact: true }).waitFor();
    await details.getByLabel("Role of Bob").selectOption("moderator");
    await bob.page.getByText("You are now a moderator").waitFor();
    await details.getByLabel("Name").fill("Bulletin");
    await details.getByRole("button", { name: "Rename" }).click();
    await bob.page.getByText("Chloé renamed the group to “Bulletin”").waitFor();
    await bob.page.reload();
    await bob.page.getByText("Chloé renamed the group to “Bulletin”").waitFor();
    await emi.flipLine();
    await emi.enter("Bulletin");
    for (const text of [
      "Bob is now a moderator",
      "The group is now called “Bulletin”",
      "New rule: moderators and up may write messages",
    ])
      await emi.page.getByText(text).waitFor();
  },
);
