import type { FrameTape } from "./frame-tape.ts";
import { type Refusal, Refused, refusalOf } from "./refused.ts";

export interface Answer<D, M = unknown> {
  readonly data: D;
  readonly meta: M;
}

const lineIsCut: Refusal = {
  reason: "line_cut",
  message: "The line is cut. Restore it, then try again.",
  retryAfterMs: null,
};

/** The REST API. The token travels in a header, never in an address. */
export class Rest {
  readonly #base: string;
  readonly #token: () => string;
  readonly #renew: () => Promise<boolean>;
  readonly #isCut: () => boolean;
  readonly #tape: FrameTape;

  constructor(options: {
    /** Where the server is: the part of the page's address before `/playground`. */
    readonly base: string;
    readonly token: () => string;
    /** Whether there is another token than the one that was refused. */
    readonly renew: () => Promise<boolean>;
    readonly isCut: () => boolean;
    readonly tape: FrameTape;
  }) {
    this.#base = options.base;
    this.#token = options.token;
    this.#renew = options.renew;
    this.#isCut = options.isCut;
    this.#tape = options.tape;
  }

  /** Returns the address of the server, for use outside of this page. */
  get url(): string {
    return location.origin + this.#base;
  }

  get<D, M = unknown>(path: string): Promise<Answer<D, M>> {
    return this.call("GET", path);
  }

  /** Throws `Refused`. */
  async call<D, M = unknown>(method: string, path: string, body?: unknown): Promise<Answer<D, M>> {
    if (this.#isCut()) throw new Refused(lineIsCut);
    let response = await this.#send(method, path, body);
    if (response.status === 401 && (await this.#renew())) response = await this.#send(method, path, body);
    const text = await response.text();
    this.#tape.addCall({ method, path, body }, response.status, text);
    if (response.status === 204) return { data: null as D, meta: null as M };
    const told = parsed(text);
    if (!response.ok) throw new Refused(refusalOf(told));
    return told as Answer<D, M>;
  }

  #send(method: string, path: string, body: unknown): Promise<Response> {
    return fetch(`${this.#base}/api/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${this.#token()}`, "content-type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  }
}

/** Null: no JSON, as gateways answer. */
function parsed(text: string) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
