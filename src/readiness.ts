import type { Keys } from "./auth/jwks.ts";
import type { StoreHealth } from "./store/connections/health.ts";
import type { DiskSpace } from "./store/embedded/disk-space.ts";
import type { AdvisoryOwnership } from "./store/ownership/advisory-ownership.ts";
import type { Check, Checks } from "./web/http/probes.ts";

const ok: Check = { status: "ok" };

/** Makes the checks of `/ready`: what this process needs, and what is missing. */
export class Readiness {
  readonly #health: StoreHealth;
  readonly #ownership: AdvisoryOwnership;
  readonly #keys: Keys;
  readonly #disk: DiskSpace | null;
  readonly #isStopping: () => boolean;

  constructor(options: {
    readonly health: StoreHealth;
    readonly ownership: AdvisoryOwnership;
    readonly keys: Keys;
    /** Of the embedded database. */
    readonly disk: DiskSpace | null;
    readonly isStopping: () => boolean;
  }) {
    this.#health = options.health;
    this.#ownership = options.ownership;
    this.#keys = options.keys;
    this.#disk = options.disk;
    this.#isStopping = options.isStopping;
  }

  checks(): Checks {
    return {
      ...(this.#isStopping() ? { process: { status: "unavailable", reason: "stopping" } } : {}),
      database: this.#database(),
      ownership: checkOf(this.#ownership),
      keys: checkOf(this.#keys),
      ...this.#diskSpace(),
    };
  }

  /** Everything that is missing is being read for the first time, so it is known in a moment whether this process serves. */
  get isStarting(): boolean {
    if (this.#isStopping() || !(this.#health.isUp || this.#health.isStarting)) return false;
    return [this.#ownership, this.#keys].every((needed) => needed.waitsFor === null || needed.isStarting);
  }

  /** A full disk stops writes, not reads: degraded, and a check of its own. */
  #database(): Check {
    if (!this.#health.isUp) return { status: "unavailable", reason: "PostgreSQL does not answer" };
    const { trouble } = this.#health;
    if (!trouble || trouble.incident === "disk_full") return ok;
    return { status: "degraded", reason: trouble.reason };
  }

  #diskSpace(): { readonly disk?: Check } {
    const { trouble } = this.#health;
    const full = trouble?.incident === "disk_full" ? trouble.reason : null;
    const shortage = full ?? this.#disk?.shortage ?? null;
    if (shortage !== null) return { disk: { status: "degraded", reason: shortage } };
    return this.#disk ? { disk: ok } : {};
  }
}

function checkOf({ waitsFor }: { readonly waitsFor: string | null }): Check {
  return waitsFor === null ? ok : { status: "unavailable", reason: `waits for ${waitsFor}` };
}
