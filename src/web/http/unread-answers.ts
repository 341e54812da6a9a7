import type { Rejection } from "../../core/rejection.ts";
import { heldTooMuch } from "../refusals.ts";
import { type Held, HeldBytes } from "./held-bytes.ts";
import { bodySizeOf } from "./json-response.ts";

/** An answer in one piece is at most this, divided by the unread answers: of a thousand of them, 60 MB in all. */
const plainBytes = 8 << 20;
/** The size of the pieces of an answer that is read slowly. */
const pieceBytes = 65_536;
/** How long a connection whose answer was cut off may go on without reading, in seconds; Bun looks every four. */
const cutWithinSeconds = 1;

export interface UnreadAnswersOptions {
  /** The most bytes of answers that clients have not read, of all clients together. */
  readonly maxBytes: number;
  /** Answers that were given and are not read to their end; asked for each large answer. */
  readonly unread: () => number;
  /** Ends the connection of a request unless its client reads within so many seconds. */
  readonly endUnlessRead: (request: Request, seconds: number) => void;
  /** An answer was refused or cut off, so that others have room. */
  readonly onCut?: () => void;
}

/**
 * Bounds what clients have asked for and do not read. While few answers are unread, an answer is given in one piece, which costs nothing;
 * the more there are, the smaller it has to be for that. A larger one is handed out in pieces as its client reads, and counts for its owner
 * until it is read. Where all of them are too much, the client that holds most is cut off: its connection ends without the rest.
 */
export class UnreadAnswers {
  readonly #options: UnreadAnswersOptions;
  readonly #held: HeldBytes;

  constructor(options: UnreadAnswersOptions) {
    this.#options = options;
    this.#held = new HeldBytes(options);
  }

  /** The bytes of answers that are handed out in pieces. */
  get bytes(): number {
    return this.#held.bytes;
  }

  /** The answer as it may be given, or the refusal that says that too much is unread. `owner`: a user, or an address. */
  async bounded(request: Request, owner: string, answer: Response): Promise<Response | Rejection> {
    if (bodySizeOf(answer) <= plainBytes / (this.#options.unread() + 1)) return answer;
    const source = new Pieces(new Uint8Array(await answer.arrayBuffer()));
    const held = this.#held.hold(owner, source.size, () => {
      source.drop();
      this.#options.endUnlessRead(request, cutWithinSeconds);
    });
    if (!held) return heldTooMuch;
    return new Response(source.stream(held), { status: answer.status, headers: answer.headers });
  }
}

/** The bytes of one answer, until they are read or dropped. */
class Pieces {
  readonly size: number;
  #bytes: Uint8Array | null;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.size = bytes.byteLength;
    this.#bytes = bytes;
  }

  /** Drops what was not read. A client that reads after this waits until its connection is ended. */
  drop(): void {
    this.#bytes = null;
  }

  stream(held: Held): ReadableStream<Uint8Array> {
    return new ReadableStream({
      type: "bytes",
      pull: (controller) => this.#next(controller, held),
      cancel: () => {
        this.drop();
        held.end();
      },
    });
  }

  #next(controller: ReadableByteStreamController, held: Held): void | Promise<void> {
    if (!this.#bytes) return untilTheConnectionEnds();
    const end = Math.min(this.#at + pieceBytes, this.size);
    controller.enqueue(this.#bytes.slice(this.#at, end));
    this.#at = end;
    if (end < this.size) return;
    this.drop();
    held.end();
    controller.close();
  }
}

/** Never resolves: Bun would print an error. A new one each time: a shared one would keep everything that ever waited for it. */
function untilTheConnectionEnds(): Promise<void> {
  return new Promise(() => {});
}
