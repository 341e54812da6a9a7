import { expect } from "bun:test";
import { newId } from "../system.ts";
import { type TestKeys, testKeys } from "../testing/builders/tokens.ts";
import { eventually } from "../testing/eventually.ts";
import { narrowScreen } from "../testing/processes/browser.ts";
import { PlaygroundStage } from "../testing/processes/playground-stage.ts";
import { namelessControls } from "../testing/processes/playground-tab.ts";

/** People write to each other in real browser pages, on a real server. */

const stage = new PlaygroundStage();
const { scene, start, tab, block } = stage;

async function disposableKeys(): Promise<TestKeys & Disposable> {
  const keys = await testKeys();
  return { ...keys, [Symbol.dispose]: keys.dispose };
}

scene(
  "two people who never wrote to each other do so within one press, and see their messages being read",
  async () => {
    const alice = await tab("alice");
    await alice.page.getByRole("button", { name: "Start a chat with Bob" }).click();
    await alice.say("Good morning");
    await alice.seesStatus("Good morning", "sent");
    const bob = await tab("bob");
    await alice.seesStatus("Good morning", "delivered");
    await bob.enter("Alice");
    await bob.sees("Good morning");
    await alice.seesStatus("Good morning", "read");
    await bob.say("Good morning to you");
    await alice.sees("Good morning to you");
    await bob.seesStatus("Good morning to you", "read");
  },
);

scene("who has not chosen is asked who he is, and each tab is a device of its own", async () => {
  const first = await tab(null);
  await first.page.getByRole("button", { name: "Emi" }).click();
  await first.page.getByRole("heading", { name: "Emi" }).waitFor();
  const second = await tab("emi");
  const [one, other] = [await first.account(), await second.account()];
  expect(one.userId).toBe(other.userId);
  expect(one.deviceId).not.toBe(other.deviceId);
  await first.page.reload();
  await first.page.getByRole("heading", { name: "Emi" }).waitFor();
  expect(await first.account()).toEqual(one);
});

scene(
  "a message written while the line is cut waits and is stored once, and what was missed is caught up with",
  async () => {
    const [chloé, diego] = [await tab("chloé"), await tab("diego")];
    await chloé.write("Diego");
    await chloé.say("before");
    await diego.enter("Chloé");
    await diego.sees("before");
    await chloé.flipLine();
    await chloé.page.getByText("The line is cut.").waitFor();
    await chloé.say("written in the dark");
    await chloé.message("written in the dark").getByText("waiting").waitFor();
    await diego.say("one");
    await diego.say("two");
    await diego.seesStatus("two", "sent");
    await chloé.flipLine();
    await chloé.page.getByText("Caught up: 2 messages").waitFor();
    await chloé.sees("two");
    await diego.sees("written in the dark");
    await chloé.seesStatus("written in the dark", "read");
    expect(await diego.message("written in the dark").count()).toBe(1);
    expect(await chloé.page.locator(".message").count()).toBe(4);
  },
);

scene("two tabs of one user are two devices that show the same", async () => {
  const [left, right, diego] = [await tab("bob"), await tab("bob"), await tab("diego")];
  await left.write("Diego");
  await left.say("from the left");
  await right.enter("Diego");
  await right.seesStatus("from the left", "delivered");
  await right.act("from the left", "More", "Edit");
  await right.say("from the right");
  await left.message("from the right").getByText("edited").waitFor();
  await diego.enter("Bob");
  for (const bob of [left, right]) await bob.seesStatus("from the right", "read");
});

scene(
  "the server is killed under an open page: what is written meanwhile is stored once it is back",
  async () => {
    const first = await start("dev");
    const emi = await tab("emi", { url: first.url });
    const chloé = await tab("chloé", { url: first.url });
    await emi.write("Chloé");
    await emi.say("before");
    await emi.seesStatus("before", "sent");
    await chloé.enter("Emi");
    await first.end("SIGKILL");
    await emi.page.getByText("The server cannot be reached.").waitFor();
    await emi.say("into the void");
    await emi.message("into the void").getByText("waiting").waitFor();
    await using _again = await stage.startAgain(first);
    await chloé.sees("into the void");
    await emi.seesStatus("into the void", "read");
    expect(await chloé.message("into the void").count()).toBe(1);
    await Promise.all([emi.close(), chloé.close()]);
  },
);

scene("a message that waits survives a reload of the page", async () => {
  const [emi, diego] = [await tab("emi"), await tab("diego")];
  await emi.write("Diego");
  await emi.flipLine();
  await emi.say("kept in the tab");
  await emi.message("kept in the tab").getByText("waiting").waitFor();
  await emi.page.reload();
  await diego.enter("Emi");
  await diego.sees("kept in the tab");
  expect(await diego.message("kept in the tab").count()).toBe(1);
});

scene(
  "one's own edits and deletions reach the other, and the up-arrow edits what was written last",
  async () => {
    const [alice, emi] = [await tab("alice"), await tab("emi")];
    await alice.write("Emi");
    await alice.say("Ses you at noon");
    await alice.say("A secret");
    await emi.enter("Alice");
    await alice.act("A secret", "More", "Delete for everyone");
    await alice.confirm("Delete");
    await emi.message("This message was deleted").waitFor();
    await alice.composer.press("ArrowUp");
    await alice.page.getByText("Edit message").waitFor();
    expect(await alice.composer.inputValue()).toBe("Ses you at noon");
    await alice.say("See you at noon");
    await emi.message("See you at noon").getByText("edited").waitFor();
    expect(await emi.page.getByText("A secret").count()).toBe(0);
    expect(await emi.message("Ses you").count()).toBe(0);
  },
);

scene(
  "what is unread is counted in the list and marked where it begins; marking as unread brings it back",
  async () => {
    const [bob, chloé] = [await tab("bob"), await tab("chloé")];
    await bob.write("Chloé");
    for (const text of ["first", "second", "third"]) await bob.say(text);
    await chloé.row("Bob").getByText("3 unread").waitFor();
    await eventually("the title counts as well", async () =>
      (await chloé.page.title()).startsWith("(3) Chloé"),
    );
    await chloé.enter("Bob");
    await chloé.page.locator(".unread-from + [data-seq='1']").waitFor();
    await chloé.row("Bob").getByText("unread").waitFor({ state: "detached" });
    await chloé.act("second", "More", "Mark as unread");
    await chloé.row("Bob").getByText("2 unread").waitFor();
  },
);

scene("earlier messages are read as one scrolls up, and one stays where one looked", async () => {
  const [diego, bob] = [await tab("diego"), await tab("bob")];
  const group = { type: "group", name: "A long story", user_ids: [(await bob.account()).userId] };
  const post = await stage.poster(diego);
  const { id } = await post("/conversations", group);
  for (let number = 1; number <= 120; number++)
    await post(`/conversations/${id}/messages`, { content: `line ${number}.` });
  await diego.enter("A long story");
  await bob.enter("A long story");
  await bob.sees("line 120.");
  expect(await bob.message("line 60.").count()).toBe(0);
  const scroller = bob.page.getByRole("region", { name: "Messages" });
  await scroller.evaluate((element) => element.scrollTo(0, 100));
  await bob.message("line 60.").waitFor({ state: "attached" });
  expect(await scroller.evaluate((element) => element.scrollTop)).toBeGreaterThan(500);
  await scroller.evaluate((element) => element.scrollTo(0, 100));
  await bob.message("line 1.").waitFor({ state: "attached" });
  await bob.page.locator(".day").first().getByText("Today").waitFor({ state: "attached" });
  await diego.say("the end");
  await bob.page.getByRole("button", { name: "1 new message" }).click();
  await bob.message("the end").waitFor();
});

scene("a group is made, grows, shrinks and is left, and everybody sees it happen", async () => {
  const [alice, bob, emi] = [await tab("alice"), await tab("bob"), await tab("emi")];
  await alice.makeGroup("Reading club", ["Bob"]);
  await bob.enter("Reading club");
  const details = await alice.showPanel("Details");
  await details.getByRole("button", { name: "Add" }).click();
  await alice.page.getByRole("dialog").getByLabel("Emi").check();
  await alice.page.getByRole("dialog").getByRole("button", { name: "Add" }).click();
  await bob.page.getByText("Alice added Emi").waitFor();
  await emi.enter("Reading club");
  await emi.say("Hello all");
  await bob.sees("Hello all");
  await details.getByRole("button", { name: "Remove Emi" }).click();
  await alice.confirm("Remove");
  await emi.page.getByText("You are no longer a member").waitFor();
  await emi.row("Reading club").waitFor({ state: "detached" });
  await bob.page.getByText("Alice removed Emi").waitFor();
  await (await bob.showPanel("Details")).getByRole("button", { name: "Leave the group" }).click();
  await bob.confirm("Leave");
  await bob.row("Reading club").waitFor({ state: "detached" });
  await alice.page.getByText("Bob left").waitFor();
});

scene("who types is seen typing, who is there is seen to be, and who was is said to have been", async () => {
  const [alice, diego] = [await tab("alice"), await tab("diego")];
  await alice.write("Diego");
  await diego.enter("Alice");
  // Nobody sees that somebody is there who has not chosen to talk to them.
  await diego.say("Here I am");
  await alice.seesBelowTitle("online");
  await alice.row("Diego").locator(".presence.online").waitFor();
  // It is told for some seconds; on a slow machine one types on until it is seen.
  const title = alice.page.locator(".conversation-title p", { hasText: "typing …" });
  const typingInRow = alice.row("Diego").getByText("typing …");
  await eventually("typing is seen above the messages and in the list", async () => {
    await diego.composer.pressSequentially("w");
    return (await title.isVisible()) && (await typingInRow.isVisible());
  });
  await diego.composer.fill("well");
  await diego.composer.press("Enter");
  await alice.sees("well");
  await alice.seesBelowTitle("online");
  await diego.page.getByLabel("Your availability").selectOption("busy");
  await alice.seesBelowTitle("busy");
  await diego.close();
  await alice.seesBelowTitle("last seen just now");
  await alice.row("Diego").locator(".presence").waitFor({ state: "detached" });
});

scene("an answer shows what it answers, follows its edits, and leads to it", async () => {
  const [bob, emi] = [await tab("bob"), await tab("emi")];
  await bob.write("Emi");
  await bob.say("Which colour?");
  await emi.enter("Bob");
  await emi.act("Which colour?", "Reply");
  await emi.say("Blue");
  const preview = bob.message("Blue").getByRole("button", { name: "You Which colour?" });
  await preview.waitFor();
  await bob.act("Which colour?", "More", "Edit");
  await bob.say("Which paint?");
  await emi.message("Blue").getByRole("button", { name: "Bob Which paint?" }).click();
  // The flash passes; where one was led to stays marked.
  await emi.page.locator(".message[data-seq='1'][aria-current='true']").waitFor();
  await bob.act("Which paint?", "More", "Delete for everyone");
  await bob.confirm("Delete");
  await emi.message("Blue").getByRole("button", { name: "Bob deleted message" }).waitFor();
});

scene("reactions are counted, told who they are of, and taken back", async () => {
  const [alice, bob] = [await tab("alice"), await tab("bob")];
  await alice.makeGroup("Cheers", ["Bob", "Emi"]);
  await alice.say("We did it");
  await bob.enter("Cheers");
  await bob.act("We did it", "React", "React with 🎉");
  await alice.message("We did it").getByRole("button", { name: "🎉 by Bob" }).click();
  const both = bob.message("We did it").locator(".reaction", { hasText: "2" });
  await both.waitFor();
  expect(await both.getAttribute("aria-pressed")).toBe("true");
  await both.click();
  const one = alice.message("We did it").getByRole("button", { name: "🎉 by You" });
  await one.getByText("1").waitFor();
  await one.click();
  await bob.message("We did it").locator(".reaction").waitFor({ state: "detached" });
});

scene(
  "what a device missed while it was away comes back whole: edits, reactions, members and the name",
  async () => {
    const [chloé, alice] = [await tab("chloé"), await tab("alice")];
    await chloé.makeGroup("Away", ["Alice"]);
    await chloé.say("an old word");
    await alice.enter("Away");
    await alice.sees("an old word");
    await alice.flipLine();
    await chloé.act("an old word", "More", "Edit");
    await chloé.say("a new word");
    await chloé.message("a new word").getByText("edited").waitFor();
    await chloé.act("a new word", "React", "React with 👍");
    const details = await chloé.showPanel("Details");
    await details.getByLabel("Name").fill("Not so far away");
    await details.getByRole("button", { name: "Rename" }).click();
    await chloé.page.getByRole("heading", { name: "Not so far away", level: 2 }).waitFor();
    expect(await alice.message("an old word").count()).toBe(1);
    await alice.flipLine();
    await alice.page.getByText(/Caught up: \d other changes?, in/).waitFor();
    await alice.page.getByRole("heading", { name: "Not so far away", level: 2 }).waitFor();
    await alice.message("a new word").getByRole("button", { name: "👍 by Chloé" }).waitFor();
  },
);

scene(
  "who was removed while away finds the group gone when the line is back, and does not ask for it for ever",
  async () => {
    const [chloé, alice] = [await tab("chloé"), await tab("alice")];
    await chloé.makeGroup("Short lived", ["Alice"]);
    await chloé.say("welcome");
    await alice.enter("Short lived");
    await alice.sees("welcome");
    await alice.flipLine();
    const details = await chloé.showPanel("Details");
    await details.getByRole("button", { name: "Remove Alice" }).click();
    await chloé.confirm("Remove");
    await chloé.page.getByText("You removed Alice").waitFor();
    await alice.flipLine();
    await alice.row("Short lived").waitFor({ state: "detached" });
  },
);

scene(
  "roles and rules are given and enforced: whom a rule silences is told so, and heard again once it is lifted",
  async () => {
    const [emi, diego] = [await tab("emi"), await tab("diego")];
    await emi.makeGroup("Council", ["Diego"]);
    await diego.enter("Council");
    await diego.composer.waitFor();
    const details = await emi.showPanel("Details");
    await details.getByLabel("Write messages").selectOption("Admins");
    await diego.page.getByText("Only some roles may write in this group.").waitFor();
    await details.getByLabel("Role of Diego").selectOption("admin");
    await diego.page.getByText("You are now an admin").waitFor();
    await diego.say("Thank you");
    await emi.sees("Thank you");
    const theirs = await diego.showPanel("Details");
    await theirs.getByLabel("Name").fill("High council");
    await theirs.getByRole("button", { name: "Rename" }).click();
    await emi.row("High council").waitFor();
  },
);

scene("who blocks somebody sees that nobody can write any more, until the block is lifted", async () => {
  const [chloé, emi] = [await tab("chloé"), await tab("emi")];
  await chloé.write("Emi");
  await chloé.say("before");
  await emi.enter("Chloé");
  await emi.sees("before");
  await block("block", chloé, emi);
  await chloé.page.getByText("You blocked Emi").waitFor();
  await chloé.page.getByText("You have blocked Emi, so that nobody can write here.").waitFor();
  await emi.page.getByText("The conversation with Chloé is not there any more.").waitFor();
  await emi.row("Chloé").waitFor({ state: "detached" });
  await block("unblock", chloé, emi);
  await emi.enter("Chloé");
  await emi.say("and now?");
  await chloé.sees("and now?");
});

scene("who has received and read a message is told in its details", async () => {
  const [diego, alice] = [await tab("diego"), await tab("alice")];
  await diego.makeGroup("Receipts", ["Alice", "Chloé"]);
  await alice.enter("Receipts");
  await diego.say("Who reads this?");
  await alice.sees("Who reads this?");
  await diego.act("Who reads this?", "More", "Who has read it");
  const dialog = diego.page.getByRole("dialog", { name: "Message" });
  await dialog.getByRole("region", { name: "Read by" }).getByText("Alice").waitFor();
  await dialog.getByRole("region", { name: "Not yet delivered to" }).getByText("Chloé").waitFor();
  await diego.page.keyboard.press("Escape");
  await dialog.waitFor({ state: "detached" });
});

scene("the frames of the wire are shown as they are, filtered, paused and copied", async () => {
  const emi = await tab("emi");
  await emi.makeGroup("On the wire", ["Bob"]);
  const frames = await emi.showPanel("Frames on the wire");
  await emi.say("find me in a frame");
  await frames.getByLabel("Filter frames").fill("find me in a frame");
  const sent = frames.getByRole("button", { name: /^sent new_message/ });
  await sent.click();
  await frames.getByText('"find me in a frame"').waitFor();
  await emi.page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  await frames.getByRole("button", { name: "Copy this frame" }).click();
  const copied = JSON.parse(await emi.page.evaluate<string>("navigator.clipboard.readText()"));
  expect(copied[0].frame[3]).toBe("new_message");
  expect(copied[0].frame[4]).toMatchObject({ content: "find me in a frame" });
  await frames.getByRole("button", { name: "Pause recording" }).click();
  await frames.getByText(/^\d+ frames?, paused/).waitFor();
  await emi.say("not written down");
  await emi.seesStatus("not written down", "sent");
  await frames.getByLabel("Filter frames").fill("not written down");
  await frames.getByText(/^0 frames, paused/).waitFor();
});

scene(
  "the keyboard is enough: Ctrl K finds a conversation, arrows walk the list, Escape steps back",
  async () => {
    const bob = await tab("bob");
    await bob.makeGroup("Alphabet", ["Diego"]);
    await bob.makeGroup("Zebra", ["Diego"]);
    await bob.page.keyboard.press("Control+k");
    const dialog = bob.page.getByRole("dialog", { name: "Go to" });
    await dialog.getByRole("searchbox").fill("alpha");
    await dialog.getByRole("searchbox").press("Enter");
    await bob.page.getByRole("heading", { name: "Alphabet", level: 2 }).waitFor();
    await bob.composer.fill("one");
    await bob.composer.press("Shift+Enter");
    await bob.composer.pressSequentially("two");
    await bob.composer.press("Enter");
    await bob.sees("one\ntwo");
    await bob.seesStatus("two", "sent");
    await bob.page.getByRole("region", { name: "Messages" }).focus();
    await bob.page.keyboard.press("ArrowUp");
    await bob.message("two").locator("button[tabindex='0']").first().waitFor();
    await bob.page.keyboard.press("Tab");
    await bob.page.keyboard.press("Enter");
    await bob.page.locator(".reaction-offer:focus").waitFor();
    await bob.page.keyboard.press("Enter");
    await bob.message("two").getByRole("button", { name: "👍 by You" }).waitFor();
    await bob.row("Alphabet").focus();
    await bob.page.keyboard.press("ArrowDown");
    await bob.page.keyboard.press("Enter");
    await bob.page.getByRole("heading", { name: "Zebra", level: 2 }).waitFor();
    await bob.page.keyboard.press("Escape");
    await bob.page.getByRole("heading", { name: "Choose a conversation" }).waitFor();
  },
);

scene("the list is filtered by what one types, in names and last messages", async () => {
  const diego = await tab("diego");
  await diego.makeGroup("Mountains", ["Emi"]);
  await diego.say("boots and rope");
  await diego.makeGroup("Lakes", ["Emi"]);
  const search = diego.page.getByRole("searchbox", { name: "Search conversations" });
  await search.fill("lak");
  await diego.row("Mountains").waitFor({ state: "detached" });
  await search.fill("ROPE");
  await diego.row("Mountains").waitFor();
  await diego.row("Lakes").waitFor({ state: "detached" });
  await search.fill("nothing like it");
  await diego.page.getByText("Nothing found.").waitFor();
});

scene("the colours are the system's until one chooses, and the choice is kept", async () => {
  const bob = await tab("bob");
  const html = bob.page.locator("html");
  await bob.page.emulateMedia({ colorScheme: "dark" });
  await bob.page.reload();
  await bob.page.locator("html[data-theme='dark']").waitFor();
  await bob.page.getByRole("button", { name: "Light colours" }).click();
  await bob.page.reload();
  await bob.page.getByRole("button", { name: "Dark colours" }).waitFor();
  expect(await html.getAttribute("data-theme")).toBe("light");
  await bob.page.evaluate("localStorage.clear()");
});

scene("behind a gateway the page works below its prefix", async () => {
  const emi = await tab("emi");
  await emi.page.goto(`${stage.server.url}/messaging/playground?as=emi`);
  await emi.page.getByText("Connected", { exact: true }).waitFor();
});

scene("on a phone one column is seen at a time, with a way back", async () => {
  const chloé = await tab("chloé", { viewport: narrowScreen });
  await chloé.makeGroup("Pocket", ["Emi"]);
  await chloé.say("small");
  expect(await chloé.row("Pocket").isVisible()).toBe(false);
  await (await chloé.showPanel("Details")).getByText("2 members").first().waitFor();
  expect(await chloé.composer.isVisible()).toBe(false);
  await chloé.page.getByRole("button", { name: "Back to the conversation" }).click();
  await chloé.page.getByRole("button", { name: "Back to the list" }).click();
  await chloé.row("Pocket").waitFor();
  const overflow = await chloé.page.evaluate("document.documentElement.scrollWidth - innerWidth");
  expect(overflow).toBe(0);
});

scene("every control has a name that can be read out, wherever one is", async () => {
  const [diego, bob] = [await tab("diego"), await tab("bob")];
  const places: Record<string, readonly string[]> = {};
  const look = async (place: string) => {
    const { count, nameless } = await namelessControls(diego.page);
    expect(count).toBeGreaterThan(3);
    places[place] = nameless;
  };
  await diego.makeGroup("Named", ["Bob", "Emi"]);
  await diego.say("hello");
  await bob.enter("Named");
  await bob.say("hello yourself");
  await diego.sees("hello yourself");
  await diego.act("hello yourself", "More");
  await look("the conversation");
  await diego.page.keyboard.press("Escape");
  await diego.showPanel("Details");
  await look("the details");
  await diego.page.getByRole("button", { name: "Frames", exact: true }).click();
  await diego.page.locator(".frame-head").first().click();
  await look("the frames");
  await diego.page.getByRole("button", { name: "New conversation" }).click();
  await diego.page.getByRole("dialog").waitFor();
  await look("a dialog");
  const nobody = await tab(null);
  await nobody.page.getByRole("button", { name: "Emi" }).waitFor();
  places["the beginning"] = (await namelessControls(nobody.page)).nameless;
  expect(places).toEqual({
    "the conversation": [],
    "the details": [],
    "the frames": [],
    "a dialog": [],
    "the beginning": [],
  });
});

scene("who writes too fast is told to wait, and what he wrote goes by itself once he may", async () => {
  await using strict = await start("dev", {
    LIMIT_USER_MESSAGES_PER_MIN: "15",
    LIMIT_USER_MESSAGES_BURST: "1",
  });
  const hasty = await tab("emi", { url: strict.url });
  await hasty.write("Bob");
  await hasty.say("first");
  await hasty.say("second");
  await hasty
    .message("second")
    .getByText(/Goes again by itself in \d+ s/)
    .waitFor();
  await hasty.seesStatus("second", "sent");
  expect(await hasty.page.locator(".message").allTextContents()).toHaveLength(2);
  await hasty.close();
});

scene(
  "serve has no playground unless it is asked for, and then a visitor brings a token, a good one",
  async () => {
    using keys = await disposableKeys();
    const [ada, ben] = [newId(), newId()];
    const environment = { JWT_PUBLIC_KEYS_FILE: keys.jwksFile, WHISPR_AUTO_MIGRATE: "1" };
    await using plain = await start("serve", environment);
    expect((await fetch(`${plain.url}/playground`)).status).toBe(404);
    await using asked = await start("serve", { ...environment, WHISPR_PLAYGROUND: "1" });
    expect((await fetch(`${asked.url}/playground/token`, { method: "POST" })).status).toBe(404);
    const visitor = await tab(null, { url: asked.url });
    await visitor.bring("nonsense");
    await visitor.page.getByText("That is no token").waitFor();
    await visitor.bring(await keys.token(ada, { aud: "another service" }));
    await visitor.page.getByRole("alert").getByText("audience").waitFor();
    // As it is copied from a terminal: with its scheme, and cut into lines.
    const cut = (await keys.token(ada, { deviceId: "browser" })).replace(/.{80}/g, "$&\n");
    await visitor.page.getByLabel("Token").fill(`Bearer ${cut}`);
    await visitor.page.getByLabel("Token").press("Enter");
    await visitor.page.getByRole("button", { name: "New conversation" }).first().click();
    await visitor.page.getByLabel("Their user id").fill(ben);
    await visitor.page.getByRole("dialog").getByRole("button", { name: "Start" }).click();
    await visitor.say("Hello, whoever you are");
    await visitor.seesStatus("Hello, whoever you are", "sent");
    // Where one is, and nothing of the token.
    expect(visitor.page.url()).toMatch(/\/playground#\/c\/[\da-f-]{36}$/);
    await visitor.close();
  },
);

scene("a visitor whose subject is not a UUID writes as the user that the server makes of it", async () => {
  using keys = await disposableKeys();
  await using server = await start("serve", {
    JWT_PUBLIC_KEYS_FILE: keys.jwksFile,
    JWT_SUBJECT_NAMESPACE: "6ba7b810-9dad-11d1-80b4-00c04fd430c8",
    WHISPR_PLAYGROUND: "1",
    WHISPR_AUTO_MIGRATE: "1",
  });
  const visitor = await tab(null, { url: server.url });
  await visitor.bring(await keys.token("auth0|507f1f77bcf86cd799439020"));
  await visitor.page.getByRole("button", { name: "New conversation" }).first().click();
  await visitor.page.getByLabel("Their user id").fill(newId());
  await visitor.page.getByRole("dialog").getByRole("button", { name: "Start" }).click();
  await visitor.say("Hello from elsewhere");
  await visitor.seesStatus("Hello from elsewhere", "sent");
  await visitor.close();
});

scene("nobody but the page itself gets a token, and only of a sample user", async () => {
  const ask = async (headers: Readonly<Record<string, string>>, body: object) => {
    const init = { method: "POST", headers, body: JSON.stringify(body) };
    return (await fetch(`${stage.server.url}/playground/token`, init)).status;
  };
  const { userId, deviceId } = await (await tab("emi")).account();
  const emi = { user_id: userId, device_id: deviceId };
  const stranger = { user_id: crypto.randomUUID(), device_id: "x" };
  const rebound = { host: "evil.example", origin: "http://evil.example" };
  expect(await ask({ origin: stage.server.url }, emi)).toBe(200);
  expect(await ask({}, emi)).toBe(403);
  expect(await ask({ origin: "http://evil.example" }, emi)).toBe(403);
  expect(await ask(rebound, emi)).toBe(403);
  expect(await ask({ origin: stage.server.url }, stranger)).toBe(422);
  expect(await ask({ origin: stage.server.url }, { ...emi, device_id: "a b" })).toBe(422);
});

scene(
  "the page may run nothing but its own script, and is asked for again only when it changed",
  async () => {
    const page = await fetch(`${stage.server.url}/playground`);
    const headers = Object.fromEntries(page.headers);
    expect(headers["content-security-policy"]).toContain("script-src 'self'; style-src 'self'");
    expect(headers["x-content-type-options"]).toBe("nosniff");
    const again = await fetch(`${stage.server.url}/playground`, {
      headers: { "if-none-match": headers.etag! },
    });
    expect(again.status).toBe(304);
    expect(await page.text()).not.toMatch(/<script(?! src)|<style|https?:\/\/(?!www\.w3\.org)/);
  },
);
