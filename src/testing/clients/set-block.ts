import { changeBlock } from "../../store/change-block.ts";
import { systemClock } from "../../system.ts";

interface Blocking {
  readonly databaseUrl: string;
  readonly blocker: { readonly id: string };
  readonly blocked: { readonly id: string };
  /** False: unblocks. Default: true. */
  readonly isBlocked?: boolean;
}

/** As `whispr-msg admin block` does it. Throws where no server has applied it within a minute. */
export async function setBlock({ databaseUrl, blocker, blocked, isBlocked = true }: Blocking): Promise<void> {
  const change = { blockerId: blocker.id, blockedId: blocked.id, isBlocked, atUs: systemClock.nowUs() };
  const followed = await changeBlock(databaseUrl, change, 60_000);
  if (followed !== "applied") throw new Error(`the block was not applied: ${followed}`);
}
