import { keep, kept } from "./kept.ts";

/** The first message in view, and how far it stands below the upper edge. */
export interface Anchor {
  readonly seq: number;
  readonly topPx: number;
}

/** Where this tab is in a conversation; null: at its end. Survives a reload. */
export function anchorIn(userId: string, conversationId: string): Anchor | null {
  return kept<Anchor>(sessionStorage, keyOf(userId, conversationId));
}

export function keepAnchor(userId: string, conversationId: string, anchor: Anchor | null): void {
  keep(sessionStorage, keyOf(userId, conversationId), anchor);
}

function keyOf(userId: string, conversationId: string): string {
  return `scroll:${userId}:${conversationId}`;
}
