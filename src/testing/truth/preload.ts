// Loaded before every test file (bunfig.toml): what a test receives over REST and over sockets must be documented. A status, a field
// or a code that is not fails the test during which it came.
import { afterAll, afterEach } from "bun:test";
import { FrameTruth } from "./frame-truth.ts";
import { note, takeNoted } from "./noted.ts";
import { bodyProblem, type RestAnswer, statusProblem } from "./rest-truth.ts";
import { startTurns } from "./turns.ts";

afterEach(check);
// For what came after the last test, while its file was ending.
afterAll(check);

function check(): void {
  startTurns();
  const found = takeNoted();
  if (found.length > 0) throw new Error(`Not documented (src/operations):\n${found.slice(0, 5).join("\n")}`);
}

/** A body is looked at when the test reads it: what is not read stays unread. */
function watch(answer: RestAnswer, response: Response): Response {
  note(statusProblem(answer));
  const text = response.text.bind(response);
  const read = async () => {
    const body = await text();
    note(bodyProblem(answer, body));
    return body;
  };
  return Object.assign(response, { text: read, json: async () => JSON.parse(await read()) });
}

const originalFetch = globalThis.fetch;

async function watchedFetch(...given: Parameters<typeof fetch>): Promise<Response> {
  const [input, init] = given;
  const response = await originalFetch(...given);
  const url = URL.parse(input instanceof Request ? input.url : String(input));
  const method = init?.method ?? (input instanceof Request ? input.method : "GET");
  if (!url?.pathname.includes("/api/v1/")) return response;
  return watch({ method: method.toUpperCase(), pathname: url.pathname, status: response.status }, response);
}

globalThis.fetch = Object.assign(watchedFetch, originalFetch);

class WatchedSocket extends WebSocket {
  readonly #truth = new FrameTruth();

  constructor(...given: ConstructorParameters<typeof WebSocket>) {
    super(...given);
    this.addEventListener("message", ({ data }) => {
      if (typeof data === "string") note(this.#truth.problem(data));
    });
  }

  override send(data: Parameters<WebSocket["send"]>[0]): void {
    if (typeof data === "string") this.#truth.sent(data);
    super.send(data);
  }
}

globalThis.WebSocket = WatchedSocket as typeof WebSocket;
