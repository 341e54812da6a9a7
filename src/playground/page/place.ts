import type { Panel } from "./ui.ts";

/** What is shown, as the part of the page's address after `#` says it: `#/c/<conversation>/<seq>/<panel>`. */
export interface Place {
  /** Null: the list. */
  readonly conversationId: string | null;
  /** The message that a link leads to. */
  readonly seq: number | null;
  readonly panel: Panel | null;
}

export const listPlace: Place = { conversationId: null, seq: null, panel: null };

const form = /^#\/c\/([^/]{1,100})(?:\/(\d{1,15}))?(?:\/(details|frames))?$/;

/** Returns the list for every address that names no conversation. */
export function placeOf(hash: string): Place {
  const [, id, seq, panel] = form.exec(hash) ?? [];
  if (!id) return listPlace;
  return {
    conversationId: id.toLowerCase(),
    seq: seq ? Number(seq) : null,
    panel: (panel as Panel | undefined) ?? null,
  };
}

export function hashOf({ conversationId, seq, panel }: Place): string {
  if (conversationId === null) return "#/";
  return ["#/c", conversationId, seq, panel].filter((part) => part !== null).join("/");
}
