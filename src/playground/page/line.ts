import { type Channel, Socket } from "phoenix";
import type { FrameTape } from "./frame-tape.ts";

export type LineState = "connecting" | "open" | "cut";

/** The stock `phoenix` socket, a record of its frames, and a switch to cut it. */
export class Line {
  readonly #socket: Socket;
  #state: LineState = "connecting";

  constructor(options: {
    readonly url: string;
    /** Asked at each connect: a token that was renewed meanwhile is used. */
    readonly token: () => string;
    readonly tape: FrameTape;
    readonly onChange: (state: LineState) => void;
    readonly onClosed: (code: number) => void;
  }) {
    this.#socket = new Socket(options.url, {
      // Goes in `sec-websocket-protocol`: a token in an address ends up in logs. (Its type lacks the function.)
      authToken: options.token as unknown as string,
      transport: taped(options.tape),
    });
    const become = (state: LineState) => {
      this.#state = state;
      options.onChange(state);
    };
    this.#socket.onOpen(() => become("open"));
    this.#socket.onClose((event) => {
      if (this.#state !== "cut") become("connecting");
      options.onClosed(event.code);
    });
  }

  get state(): LineState {
    return this.#state;
  }

  get isCut(): boolean {
    return this.#state === "cut";
  }

  connect(): void {
    this.#state = "connecting";
    this.#socket.connect();
  }

  /** Nothing goes in or out until `connect`; channels rejoin by themselves then. */
  cut(): void {
    this.#state = "cut";
    this.#socket.disconnect();
  }

  channel(topic: string, params: () => object): Channel {
    return this.#socket.channel(topic, params);
  }
}

/** A WebSocket that also writes down what passes. */
function taped(tape: FrameTape): typeof WebSocket {
  return class extends WebSocket {
    constructor(url: string | URL, protocols?: string | string[]) {
      super(url, protocols);
      this.addEventListener("message", ({ data }) => typeof data === "string" && tape.add("in", data));
    }

    override send(data: string): void {
      tape.add("out", data);
      super.send(data);
    }
  };
}
