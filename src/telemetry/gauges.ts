import { Gauge, type Registry } from "prom-client";
import type { GaugeName } from "../core/ports/observer.ts";

const gaugeHelp: Readonly<Record<GaugeName, string>> = {
  lane_queue_rows: "Rows that wait for the next commit",
  mailbox_turns: "Unsettled commands in all mailboxes",
  actors: "Conversations in memory",
  sockets: "Open WebSockets",
  handshakes_waiting: "WebSocket handshakes that wait for their turn",
  arrivals: "Sockets between their admission and the replies to their first joins",
  arrivals_limit: "Maximum arrivals at a time at present; lower while the event loop is late",
  online_users: "Users with a socket that joined a topic, or who had one within the last two seconds",
  keys_age_seconds:
    "Seconds since the keys that verify tokens were last read; since the start if they were never read",
  ready: "1 when this process takes traffic",
  store_up: "1 when PostgreSQL answered within the last seconds",
  unread_answer_bytes: "Bytes of large REST responses that clients have not read",
  unread_socket_bytes: "Bytes that wait for slow sockets, when they were last counted",
  unfinished_body_bytes: "Bytes of request bodies that are being read, by their announced length",
  disk_free_bytes: "Free space on the disk of the embedded database",
};

/** Gauges, each read when it is scraped. One that nobody has set is not shown. */
export class Gauges {
  readonly #registry: Registry;
  readonly #reads = new Map<GaugeName, () => number>();

  constructor(registry: Registry) {
    this.#registry = registry;
  }

  /** The latest `read` of a name counts. */
  set(name: GaugeName, read: () => number): void {
    if (!this.#reads.has(name)) this.#register(name);
    this.#reads.set(name, read);
  }

  #register(name: GaugeName): void {
    const read = () => this.#reads.get(name)?.() ?? 0;
    new Gauge({
      name: `whispr_${name}`,
      help: gaugeHelp[name],
      registers: [this.#registry],
      collect() {
        this.set(read());
      },
    });
  }
}
