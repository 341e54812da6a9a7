/** The play of `play.ts` with a client from npm: any version of `phoenix`, or a fork of it with the same API. */
import { createInterface } from "node:readline";

interface Message {
  readonly seq: number;
  readonly content: string;
}

interface Push {
  receive(status: string, then: (response: { readonly reason?: string }) => void): Push;
}

interface Channel {
  readonly state: string;
  on(event: string, then: (payload: { readonly message: Message }) => void): void;
  join(): Push;
  leave(): Push;
  push(event: string, payload: object): Push;
}

interface Socket {
  connect(): void;
  disconnect(): void;
  channel(topic: string, payload: object): Channel;
  onOpen(then: () => void): void;
  onClose(then: () => void): void;
  onError(then: () => void): void;
}

interface Library {
  readonly Socket: new (url: string, options: object) => Socket;
  readonly Presence: new (channel: Channel) => { list(of: (userId: string) => string): string[] };
}

const [name = "", url = "", , peer = "", topic = ""] = process.argv.slice(2);
const { Socket, Presence }: Library = await import(name);
const answers = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

function step(done: string): void {
  console.log(`STEP ${done}`);
}

async function control(what: string): Promise<string> {
  console.log(`CTL ${what}`);
  return (await answers.next()).value ?? "";
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await Bun.sleep(5);
}

async function connect(kind: string): Promise<Socket> {
  const token = await control(`token ${kind}`);
  const socket = new Socket(url, { transport: WebSocket, params: { token } });
  socket.connect();
  return socket;
}

function answered(push: Push): Promise<[status: string, reason: string | undefined]> {
  return new Promise((resolve) => {
    for (const status of ["ok", "error", "timeout"])
      push.receive(status, ({ reason } = {}) => resolve([status, reason]));
  });
}

async function ok(push: Push): Promise<void> {
  const [status, reason] = await answered(push);
  if (status !== "ok") throw new Error(`${status}: ${reason}`);
}

function listen(channel: Channel): Message[] {
  const heard: Message[] = [];
  channel.on("new_message", ({ message }) => void heard.push(message));
  return heard;
}

async function hears(heard: readonly Message[], content: string): Promise<void> {
  await control(`send ${content}`);
  await until(() => heard.some((message) => message.content === content));
  step(`receive ${content}`);
}

const socket = await connect("good");
const first = socket.channel(topic, {});
const heard = listen(first);
const presence = new Presence(first);
await ok(first.join());
step("join");
await ok(first.push("new_message", { content: "from the client", client_random: 7 }));
step("send");
await hears(heard, "hello");
await ok(first.push("message_read", { seq: 2 }));
step("read");
await control("peer");
await until(() => presence.list((userId) => userId).includes(peer));
step("presence");
const refused = await answered(first.push("new_message", { content: "x".repeat(600_000) }));
if (refused.join(" ") !== "error payload_too_large") throw new Error(refused.join(" "));
step("large");
await ok(first.leave());
await control("send unheard");
step("leave");
const second = socket.channel(topic, {});
const heardAgain = listen(second);
await ok(second.join());
step("rejoin");
await hears(heardAgain, "again");
const missed = [...heard, ...heardAgain].filter(({ content }) => content === "unheard");
if (missed.length > 0) throw new Error("heard after it left");
let opened = 0;
socket.onOpen(() => void opened++);
await control("kill");
await until(() => opened > 0 && second.state === "joined");
step("return");
await hears(heardAgain, "back");
socket.disconnect();

const expiring = await connect("short");
let isClosed = false;
expiring.onClose(() => {
  isClosed = true;
});
await ok(expiring.channel(topic, {}).join());
await until(() => isClosed);
step("expired");
expiring.disconnect();

const bad = await connect("bad");
let isOpened = false;
let errors = 0;
bad.onOpen(() => {
  isOpened = true;
});
bad.onError(() => void errors++);
await until(() => errors > 1);
if (isOpened) throw new Error("a bad token was let in");
step("refused");
process.exit(0);
