import type { SeenMessage } from "./stock-client.ts";

/** Calls the REST API as one user. Throws with the body when the status is not 2xx. */
export class RestClient {
  readonly #url: string;
  readonly #token: string;

  constructor(options: { readonly url: string; readonly token: string }) {
    this.#url = `${options.url}/api/v1`;
    this.#token = options.token;
  }

  async call(method: string, path: string, body?: unknown): Promise<{ status: number; body: never }> {
    const response = await fetch(this.#url + path, {
      method,
      headers: { authorization: `Bearer ${this.#token}`, "content-type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    return { status: response.status, body: (await response.json()) as never };
  }

  async createDirect(otherUserId: string): Promise<string> {
    const { body } = await this.call("POST", "/conversations", {
      type: "direct",
      other_user_id: otherUserId,
    });
    return (body as { data: { id: string } }).data.id;
  }

  /** The whole log, oldest first, read page by page. */
  async history(conversationId: string): Promise<SeenMessage[]> {
    const log: SeenMessage[] = [];
    for (let before = ""; ; before = `&before=${log.at(-1)!.seq}`) {
      const { body } = await this.call("GET", `/conversations/${conversationId}/messages?limit=100${before}`);
      const page = body as { data: SeenMessage[]; meta: { has_more: boolean } };
      log.push(...page.data);
      if (!page.meta.has_more) return log.reverse();
    }
  }
}
