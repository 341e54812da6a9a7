/** Bytes of one answer or body. */
export interface Held {
  /** Ends the hold. May be called more than once. */
  end(): void;
}

interface Entry extends Held {
  readonly bytes: number;
  readonly cut: () => void;
}

/** The bytes that one client holds, the oldest first. */
interface Holder {
  bytes: number;
  readonly entries: Set<Entry>;
}

/**
 * Bounds the bytes that are held for all clients together. Where there is no room, the client that holds most is cut off in favour of one
 * that holds less. A client that already holds most is refused.
 */
export class HeldBytes {
  readonly #maxBytes: number;
  readonly #onCut: (() => void) | undefined;
  readonly #holders = new Map<string, Holder>();
  #bytes = 0;

  constructor(options: { readonly maxBytes: number; readonly onCut?: () => void }) {
    this.#maxBytes = options.maxBytes;
    this.#onCut = options.onCut;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Null: there is no room, and nobody holds more than this owner. `cut` is called at most once, when the bytes have to go for the sake of
   * another client; they are not counted from then on.
   */
  hold(owner: string, bytes: number, cut: () => void): Held | null {
    while (this.#bytes + bytes > this.#maxBytes) {
      const holder = this.#heaviest();
      if (!holder || holder.bytes <= this.#heldBy(owner)) return this.#refuse();
      this.#cut(holder);
    }
    return this.#add(owner, bytes, cut);
  }

  #heldBy(owner: string): number {
    return this.#holders.get(owner)?.bytes ?? 0;
  }

  /** Looked for only where there is no room. Of several, the one that began first. */
  #heaviest(): Holder | null {
    let found: Holder | null = null;
    for (const each of this.#holders.values()) if (each.bytes > (found?.bytes ?? 0)) found = each;
    return found;
  }

  #refuse(): null {
    this.#onCut?.();
    return null;
  }

  #cut({ entries }: Holder): void {
    const [oldest] = entries;
    oldest!.end();
    oldest!.cut();
    this.#onCut?.();
  }

  #add(owner: string, bytes: number, cut: () => void): Held {
    const holder = this.#holders.get(owner) ?? { bytes: 0, entries: new Set() };
    const entry: Entry = { bytes, cut, end: () => this.#end(owner, holder, entry) };
    this.#holders.set(owner, holder);
    holder.entries.add(entry);
    holder.bytes += bytes;
    this.#bytes += bytes;
    return entry;
  }

  #end(owner: string, holder: Holder, entry: Entry): void {
    if (!holder.entries.delete(entry)) return;
    holder.bytes -= entry.bytes;
    this.#bytes -= entry.bytes;
    if (holder.entries.size === 0) this.#holders.delete(owner);
  }
}
