import { quickReactions } from "./emoji.ts";
import { keep, kept } from "./kept.ts";

const keptUnder = "reactions";
const mostKept = 16;

/** The last ones that were chosen in this browser, newest first, without those that are offered anyway. */
export function recentReactions(): readonly string[] {
  return kept<readonly string[]>(localStorage, keptUnder) ?? [];
}

export function noteReaction(reaction: string): void {
  if (quickReactions.some((quick) => quick === reaction)) return;
  const others = recentReactions().filter((each) => each !== reaction);
  keep(localStorage, keptUnder, [reaction, ...others].slice(0, mostKept));
}
