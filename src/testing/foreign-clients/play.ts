import type { Stage } from "./stage.ts";

/**
 * A client of a library that nobody here wrote is one program in any language. It is started with the address of the socket
 * (`ws://…/socket`, without the transport), its user's id, the peer's id and the topic, and plays the steps below. On its stdout it writes
 * lines: `STEP <step>` when a step is done, and `CTL <what>` when it needs something, for which it gets one line on its stdin:
 *
 * - `CTL token good|short|bad` → a token; the short one expires after some seconds
 * - `CTL send <text>` → `ok` once the peer has sent a message with this text
 * - `CTL peer` → `ok` once the peer is on the topic
 * - `CTL kill` → `ok` once the server was killed with -9 and is back
 *
 * All other output is kept, to be printed with a failure.
 */
export const steps = [
  "join",
  // A push of `new_message` is answered ok; its content is `from the client`.
  "send",
  // `CTL send hello`
  "receive hello",
  // A push of `message_read` with a seq is answered ok.
  "read",
  // `CTL peer`; the peer is seen by the library's own presence, where it has one.
  "presence",
  // A push with a content of 600,000 characters is refused with the reason `payload_too_large`.
  "large",
  // The topic is left, then `CTL send unheard`.
  "leave",
  // Another channel of the same topic has not heard `unheard` and hears what is sent by `CTL send again`.
  "rejoin",
  "receive again",
  // `CTL kill`, and the topic is joined again; then `CTL send back`.
  "return",
  "receive back",
  // Another socket with the short token joins, and is ended by the server.
  "expired",
  // Another socket with the bad token never opens.
  "refused",
] as const;

/** All that is written into the conversation meanwhile. */
export const contents = ["from the client", "hello", "unheard", "again", "back"];

export interface Played {
  readonly steps: readonly string[];
  readonly history: readonly string[];
  /** What else it wrote. */
  readonly output: string;
}

/** The longest of a whole play, on a slow machine. */
const deadlineMs = 240_000;

/** Plays it to its end, and reports a failure as a result. */
export async function play(stage: Stage, program: readonly string[]): Promise<Played> {
  const scene = await stage.scene();
  const child = Bun.spawn([...program, scene.socketUrl, scene.user, scene.peer, scene.topic], {
    env: { PATH: process.env.PATH ?? "" },
    stdio: ["pipe", "pipe", "pipe"],
    timeout: deadlineMs,
    killSignal: "SIGKILL",
  });
  const done: string[] = [];
  let output = "";
  const onLine = async (line: string): Promise<void> => {
    if (line.startsWith("STEP ")) done.push(line.slice(5));
    else if (line.startsWith("CTL ")) {
      child.stdin.write(`${await scene.control(line.slice(4))}\n`);
      child.stdin.flush();
    } else output += `${line}\n`;
  };
  const errors = child.stderr.text();
  for await (const line of linesOf(child.stdout)) await onLine(line);
  await child.exited;
  await scene.ended();
  return { steps: done, history: await scene.history(), output: (output + (await errors)).slice(-5_000) };
}

async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of stream) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
}
