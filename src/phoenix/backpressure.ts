/** A socket, as far as its waiting bytes are concerned. */
export interface Waiting<Identity> {
  readonly identity: Identity;
  /** Bytes that its client has not read, and of replies that wait for room. Costs a call into the WebSocket layer. */
  readonly waitingBytes: number;
  /** Ends the connection without a word: what waits is not read. */
  terminate(): void;
}

/** From here on sockets that hold most are ended, until this is left. Above it, what is sent is still counted in time. */
const shedAbove = 3 / 4;
const shedTo = 1 / 2;

/**
 * Bounds what waits for all sockets together. What a client has read is known only to the WebSocket layer, which counts for each
 * socket: so everything that is sent counts as unread until all sockets are counted again, which happens when it could be too much.
 * Where it is, the sockets of the identity that holds most end first, the fullest first.
 */
export class Backpressure<Identity> {
  readonly #sockets: Iterable<Waiting<Identity>>;
  readonly #maxBytes: number;
  readonly #ownerOf: (identity: Identity) => unknown;
  readonly #ended: (identity: Identity) => void;
  /** The bytes that waited in all sockets when they were counted last. */
  #counted = 0;
  /** Characters sent since then. */
  #sent = 0;
  #isDue = false;

  constructor(options: {
    readonly sockets: Iterable<Waiting<Identity>>;
    readonly maxBytes: number;
    /** Sockets of one owner count together. */
    readonly ownerOf: (identity: Identity) => unknown;
    /** A socket was ended, so that others have room. */
    readonly ended: (identity: Identity) => void;
  }) {
    this.#sockets = options.sockets;
    this.#maxBytes = options.maxBytes;
    this.#ownerOf = options.ownerOf;
    this.#ended = options.ended;
  }

  /** The bytes that waited when they were counted last. */
  get bytes(): number {
    return this.#counted;
  }

  /** Whether replies should wait until their socket has read everything. */
  get isHigh(): boolean {
    return this.#counted > shedTo * this.#maxBytes;
  }

  /** Something is sent to one socket or many: so much in all. On the hot path. */
  sent(characters: number): void {
    this.#sent += characters;
    if (this.#counted + this.#sent > this.#maxBytes && !this.#isDue) this.#countSoon();
  }

  /** After this turn of the event loop, when what it sent has reached the WebSocket layer. */
  #countSoon(): void {
    this.#isDue = true;
    setImmediate(() => {
      this.#isDue = false;
      this.count();
    });
  }

  /** Counts again where something waits or much was sent since: regularly, so that what was read is known. */
  refresh(): void {
    if (this.#counted + this.#sent > this.#maxBytes / 8) this.count();
  }

  /** Counts all sockets, and ends those that hold most where it is too much. */
  count(): void {
    this.#sent = 0;
    this.#counted = 0;
    for (const socket of this.#sockets) this.#counted += socket.waitingBytes;
    if (this.#counted > shedAbove * this.#maxBytes) this.#shed(shedTo * this.#maxBytes);
  }

  #shed(toBytes: number): void {
    for (const socket of this.#fullestFirst()) {
      if (this.#counted <= toBytes) return;
      this.#counted -= socket.waitingBytes;
      this.#ended(socket.identity);
      socket.terminate();
    }
  }

  /** By what their owners hold, then by what they hold themselves. */
  #fullestFirst(): readonly Waiting<Identity>[] {
    const full = [...this.#sockets]
      .map((socket) => ({ socket, owner: this.#ownerOf(socket.identity), bytes: socket.waitingBytes }))
      .filter(({ bytes }) => bytes > 0);
    const held = new Map<unknown, number>();
    for (const { owner, bytes } of full) held.set(owner, (held.get(owner) ?? 0) + bytes);
    return full
      .sort((one, other) => held.get(other.owner)! - held.get(one.owner)! || other.bytes - one.bytes)
      .map(({ socket }) => socket);
  }
}
