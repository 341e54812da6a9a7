type Child = Node | string | null;

/** An element with a class, attributes and children; texts are texts, never markup. */
export function element(
  tag: string,
  given: { readonly is?: string; readonly [attribute: string]: string | undefined } = {},
  ...children: readonly Child[]
): HTMLElement {
  const { is, ...attributes } = given;
  const made = document.createElement(tag);
  if (is) made.className = is;
  for (const [name, value] of Object.entries(attributes))
    if (value !== undefined) made.setAttribute(name, value);
  made.append(...children.filter((child) => child !== null));
  return made;
}

/** A text with `code`, [links](…) to the web and paragraphs, as the documents have them. */
export function prose(text: string, is = "prose"): HTMLElement {
  const paragraphs = text.split(/\n\n+/).filter((each) => each !== "");
  return element("div", { is }, ...paragraphs.map((each) => element("p", {}, ...inline(each))));
}

function inline(text: string): Child[] {
  return text.split(/(`[^`]+`|\[[^\]]+\]\(https?:[^)]+\))/).map((piece) => {
    if (piece.startsWith("`") && piece.endsWith("`") && piece.length > 1)
      return element("code", {}, piece.slice(1, -1));
    const [, words, href] = /^\[([^\]]+)\]\((https?:[^)]+)\)$/.exec(piece) ?? [];
    if (words && href) return element("a", { href, rel: "noreferrer" }, words);
    return piece;
  });
}
