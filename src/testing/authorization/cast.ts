import type { Role } from "../../core/conversations/conversation.ts";
import { newId } from "../../system.ts";
import { FrameSocket } from "../clients/frame-socket.ts";
import { setBlock } from "../clients/set-block.ts";
import type { InProcess } from "../processes/in-process.ts";

/** What a person may be to a conversation. `other` is a plain member as well, and `deputy` an admin, whom the others act upon. */
export type Part = Role | "other" | "deputy" | "former" | "stranger" | "blocker" | "blocked";

/** What an operation is done upon. */
export interface Place {
  readonly id: string;
  /** A message that the actor wrote, or could pretend to have written. */
  readonly own: string;
  /** One that somebody else wrote. */
  readonly theirs: string;
  readonly owner: string;
  /** Never the actor. */
  readonly admin: string;
  readonly other: string;
  /** Nobody who was ever a member. */
  readonly newcomer: string;
}

export interface Answer {
  /** "ok", or the code of the refusal. */
  readonly code: string;
  /** All of it, as it was sent. */
  readonly text: string;
}

interface Conversation {
  readonly id: string;
  readonly messages: ReadonlyMap<Part, string>;
}

const groupParts = ["admin", "moderator", "member", "other", "deputy", "former"] as const;

/** One person with a token and a socket, which has joined their own topic. */
export class Actor {
  readonly id: string;
  readonly #url: string;
  readonly #token: string;
  readonly #socket: FrameSocket;
  /** By topic, the join that is in force. */
  readonly #joinRefs = new Map<string, string>();
  #joins = 0;

  private constructor(options: {
    readonly id: string;
    readonly url: string;
    readonly token: string;
    readonly socket: FrameSocket;
  }) {
    this.id = options.id;
    this.#url = options.url;
    this.#token = options.token;
    this.#socket = options.socket;
  }

  static async enter(server: InProcess): Promise<Actor> {
    const id = newId();
    const { url } = server;
    const token = await server.token(id);
    const actor = new Actor({ id, url, token, socket: await FrameSocket.open({ url, token }) });
    await actor.join(`user:${id}`);
    return actor;
  }

  async rest(
    method: string,
    path: string,
    body?: object,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Answer> {
    const answer = await fetch(`${this.#url}/api/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${this.#token}`, "content-type": "application/json", ...headers },
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
    const text = await answer.text();
    const code = answer.ok ? "ok" : (JSON.parse(text) as { error: string }).error;
    return { code, text: `${answer.status} ${text}` };
  }

  async join(topic: string): Promise<Answer> {
    const joinRef = String(++this.#joins);
    this.#joinRefs.set(topic, joinRef);
    return answerOf(await this.#socket.join(topic, joinRef));
  }

  /** On a topic that is joined first, as far as that is allowed; the push is tried in any case. */
  async push(topic: string, event: string, payload: object): Promise<Answer> {
    if (topic !== `user:${this.id}`) await this.join(topic);
    return answerOf(
      await this.#socket.push(topic, this.#joinRefs.get(topic)!, event, JSON.stringify(payload)),
    );
  }

  leave(): void {
    this.#socket.close();
  }
}

function answerOf(reply: {
  readonly status: string;
  readonly response: { readonly reason?: string };
}): Answer {
  const code = reply.status === "ok" ? "ok" : (reply.response.reason ?? "none");
  return { code, text: JSON.stringify(reply) };
}

/** The same people, who meet in as many conversations as are asked for. */
export class Cast {
  readonly people: ReadonlyMap<Part, Actor>;
  readonly #databaseUrl: string;
  #blocked: Promise<Conversation> | null = null;

  private constructor(people: ReadonlyMap<Part, Actor>, databaseUrl: string) {
    this.people = people;
    this.#databaseUrl = databaseUrl;
  }

  static async gather(server: InProcess): Promise<Cast> {
    const parts: readonly Part[] = ["owner", ...groupParts, "stranger", "blocker", "blocked"];
    const people = new Map<Part, Actor>();
    for (const part of parts) people.set(part, await Actor.enter(server));
    return new Cast(people, server.databaseUrl);
  }

  actor(part: Part): Actor {
    return this.people.get(part)!;
  }

  /** A new group in which everybody but the stranger has written, before it got its settings; the former member listened when they were removed. */
  async group(
    part: Part,
    {
      settings,
      hasMedia = false,
    }: { readonly settings?: object | undefined; readonly hasMedia?: boolean | undefined } = {},
  ): Promise<Place> {
    const owner = this.actor("owner");
    const body = { type: "group", name: "friends", user_ids: groupParts.map((each) => this.actor(each).id) };
    const id = idIn(await owner.rest("POST", "/conversations", body));
    await this.#giveRoles(id);
    const messages = await this.#write(id, ["owner", ...groupParts], hasMedia);
    if (settings) await owner.rest("PUT", `/conversations/${id}`, { metadata: { group_settings: settings } });
    await this.actor("former").join(`conversation:${id}`);
    await owner.rest("DELETE", `/conversations/${id}/members/${this.actor("former").id}`);
    return this.#place({ id, messages }, part);
  }

  /** What the owner and the member have with each other, who write in it anew; or the blocker and the blocked, who wrote before. */
  async direct(part: Part): Promise<Place> {
    if (part !== "blocker" && part !== "blocked")
      return this.#place(await this.#pair("owner", "member"), part);
    this.#blocked ??= this.#block();
    return this.#place(await this.#blocked, part);
  }

  /** A conversation that does not exist. */
  nowhere(part: Part): Place {
    return this.#place({ id: newId(), messages: new Map() }, part);
  }

  end(): void {
    for (const actor of this.people.values()) actor.leave();
  }

  async #pair(one: Part, other: Part): Promise<Conversation> {
    const body = { type: "direct", other_user_id: this.actor(other).id };
    const id = idIn(await this.actor(one).rest("POST", "/conversations", body));
    return { id, messages: await this.#write(id, [one, other]) };
  }

  /** The blocked user listened when they were blocked. */
  async #block(): Promise<Conversation> {
    const conversation = await this.#pair("blocker", "blocked");
    const [blocker, blocked] = [this.actor("blocker"), this.actor("blocked")];
    await blocked.join(`conversation:${conversation.id}`);
    await setBlock({ databaseUrl: this.#databaseUrl, blocker, blocked });
    return conversation;
  }

  async #giveRoles(id: string): Promise<void> {
    const roles = { admin: "admin", deputy: "admin", moderator: "moderator" } as const;
    const give = ([part, role]: [string, Role]) => {
      const path = `/conversations/${id}/members/${this.actor(part as Part).id}/role`;
      return this.actor("owner").rest("PATCH", path, { role });
    };
    await Promise.all(Object.entries(roles).map(give));
  }

  async #write(id: string, parts: readonly Part[], hasMedia = false): Promise<ReadonlyMap<Part, string>> {
    const media = { message_type: "media", attachments: [{ media_id: "one", media_type: "image" }] };
    const write = async (part: Part) => {
      const body = { content: `by ${part}`, ...(hasMedia ? media : {}) };
      const sent = await this.actor(part).rest("POST", `/conversations/${id}/messages`, body);
      return [part, idIn(sent)] as const;
    };
    return new Map(await Promise.all(parts.map(write)));
  }

  #place({ id, messages }: Conversation, part: Part): Place {
    const nobodys = newId();
    return {
      id,
      own: messages.get(part) ?? messages.get("owner") ?? nobodys,
      theirs: messages.get(otherThan(part)) ?? nobodys,
      owner: this.actor("owner").id,
      admin: this.actor("deputy").id,
      other: this.actor("other").id,
      newcomer: newId(),
    };
  }
}

/** Returns who wrote the message that is another's for this part. */
function otherThan(part: Part): Part {
  const others: Partial<Record<Part, Part>> = { owner: "member", blocker: "blocked", blocked: "blocker" };
  return others[part] ?? "owner";
}

function idIn({ text }: Answer): string {
  return (JSON.parse(text.slice(4)) as { data: { id: string } }).data.id;
}
