import type { Person } from "./people.ts";
import { Refused, refusalOf } from "./refused.ts";
import { userIdOf } from "./user-id.ts";

interface Kept {
  readonly userId: string;
  readonly deviceId: string | null;
  /** Of who brought one; sample users get theirs anew. */
  readonly token: string | null;
}

const keptUnder = "account";
/** Renewed when this part of its life is over. */
const renewedAfter = 0.8;
const retryMs = 5_000;

/** Who this tab is. A tab is a device of its own: two of them, side by side, are two devices. */
export class Account {
  readonly userId: string;
  readonly deviceId: string | null;
  readonly #base: string;
  readonly #isSample: boolean;
  #token: string;
  #timer = 0;

  private constructor(options: {
    readonly base: string;
    readonly kept: Kept;
    readonly token: string;
    readonly isSample: boolean;
  }) {
    this.userId = options.kept.userId;
    this.deviceId = options.kept.deviceId;
    this.#base = options.base;
    this.#token = options.token;
    this.#isSample = options.isSample;
  }

  /** A token of `dev`, which there is always another one of. */
  get isSample(): boolean {
    return this.#isSample;
  }

  get token(): string {
    return this.#token;
  }

  /** With a token of `dev`, for this tab's device. Throws `Refused`. */
  static async ofSampleUser(base: string, userId: string): Promise<Account> {
    const kept = { userId, deviceId: await ownDeviceId(), token: null };
    const { token, expires_in_ms } = await mint(base, kept);
    keep(kept);
    const account = new Account({ base, kept, token, isSample: true });
    account.#renewIn(expires_in_ms * renewedAfter);
    return account;
  }

  /** With a token that somebody pasted; null: it is none that this server accepts. */
  static async ofToken(
    base: string,
    token: string,
    subjectNamespace: string | null,
  ): Promise<Account | null> {
    const claims = claimsOf(token);
    const userId = claims?.sub ? await userIdOf(claims.sub, subjectNamespace) : null;
    if (!claims || userId === null) return null;
    const kept = { userId, deviceId: claims.deviceId ?? claims.device_id ?? null, token };
    keep(kept);
    return new Account({ base, kept, token, isSample: false });
  }

  /** Whom this tab was before it was loaded again; null: nobody yet. */
  static async restored(
    base: string,
    sampleUsers: readonly Person[],
    subjectNamespace: string | null,
  ): Promise<Account | null> {
    const kept = readKept();
    if (kept?.token) return Account.ofToken(base, kept.token, subjectNamespace);
    const isSample = sampleUsers.some(({ id }) => id === kept?.userId);
    return kept && isSample ? Account.ofSampleUser(base, kept.userId) : null;
  }

  static forget(): void {
    sessionStorage.removeItem(keptUnder);
  }

  #renewIn(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.renew(), ms);
  }

  /** Whether there is another token now; who brought his own has none. A failure is tried again later. */
  async renew(): Promise<boolean> {
    if (!this.#isSample) return false;
    try {
      const { token, expires_in_ms } = await mint(this.#base, this);
      this.#token = token;
      this.#renewIn(expires_in_ms * renewedAfter);
      return true;
    } catch {
      this.#renewIn(retryMs);
      return false;
    }
  }
}

async function mint(
  base: string,
  { userId, deviceId }: { readonly userId: string; readonly deviceId: string | null },
): Promise<{ readonly token: string; readonly expires_in_ms: number }> {
  const response = await fetch(`${base}/playground/token`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ user_id: userId, device_id: deviceId }),
  });
  if (!response.ok) throw new Refused(refusalOf(await response.json().catch(() => null)));
  return response.json();
}

function keep(kept: Kept): void {
  sessionStorage.setItem(keptUnder, JSON.stringify(kept));
}

function readKept(): Kept | null {
  return JSON.parse(sessionStorage.getItem(keptUnder) ?? "null");
}

/** The one of this tab; another one where a browser copied it into a second tab ("duplicate tab"). */
async function ownDeviceId(): Promise<string> {
  const kept = readKept()?.deviceId;
  if (kept && (await isOurs(kept))) return kept;
  const deviceId = `tab-${Array.from(crypto.getRandomValues(new Uint8Array(6)), (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
  await isOurs(deviceId);
  return deviceId;
}

/** Holds a lock of that name for as long as the tab lives. */
function isOurs(deviceId: string): Promise<boolean> {
  if (!navigator.locks) return Promise.resolve(true);
  return new Promise((resolve) => {
    void navigator.locks.request(`device ${deviceId}`, { ifAvailable: true }, (lock) => {
      resolve(lock !== null);
      return lock ? new Promise(() => {}) : undefined;
    });
  });
}

interface Claims {
  readonly sub?: string;
  readonly deviceId?: string;
  readonly device_id?: string;
}

/** Read, not verified: that is the server's. */
function claimsOf(token: string): Claims | null {
  try {
    return JSON.parse(atob(token.split(".")[1]!.replace(/-/g, "+").replace(/_/g, "/")));
  } catch {
    return null;
  }
}
