import type { Subprocess } from "bun";
import type { ClientReport, FromClients, ToClients } from "./messages.ts";

/** A process of clients, as the bench sees it. */
export class ClientProcess {
  readonly #child: Subprocess;
  #report: ((report: ClientReport) => void) | null = null;
  #allReturned: (() => void) | null = null;

  constructor() {
    this.#child = Bun.spawn([process.execPath, new URL("./clients.ts", import.meta.url).pathname], {
      ipc: (message: FromClients) => this.#heard(message),
      stdio: ["ignore", "inherit", "inherit"],
    });
  }

  get pid(): number {
    return this.#child.pid;
  }

  tell(order: ToClients): void {
    this.#child.send(order);
  }

  /** Resolves when the last one that is missing has joined everything. Ask before that can happen. */
  allReturned(): Promise<void> {
    return new Promise((resolve) => {
      this.#allReturned = resolve;
    });
  }

  report(): Promise<ClientReport> {
    this.tell({ type: "report" });
    return new Promise((resolve) => {
      this.#report = resolve;
    });
  }

  async end(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.exited;
  }

  #heard(message: FromClients): void {
    if (message.type === "report") this.#report?.(message.report);
    else this.#allReturned?.();
  }
}
