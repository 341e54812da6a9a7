/**
 * Draws a description of elements into the document and changes only what differs: 100 lines instead of a framework. A description is
 * made anew each time; elements, and with them focus, selection and scroll positions, stay.
 */
export interface Drawn {
  readonly tag: string;
  readonly key: string | null;
  readonly props: Props;
  readonly children: readonly (Drawn | string)[];
}

export type Child = Drawn | string | null | undefined | false;

export interface Props {
  /** Tells siblings apart when they move. */
  readonly key?: string;
  readonly on?: Readonly<Record<string, (event: never) => void>>;
  /** CSS variables. Styles are set through the object model, which a strict policy allows. */
  readonly vars?: Readonly<Record<string, string>>;
  /** The text in a field, set when it differs. */
  readonly value?: string;
  /** Once, when the element is in the document. */
  readonly mounted?: (element: never) => void;
  readonly [attribute: string]: unknown;
}

const svgTags = new Set(["svg", "path", "circle", "rect"]);
const notAttributes = new Set(["key", "on", "vars", "value", "mounted"]);
const drawnAs = new WeakMap<Node, Drawn>();

export function el(tag: string, props: Props, ...children: readonly (Child | readonly Child[])[]): Drawn {
  const kept = children.flat().filter((child) => child !== null && child !== undefined && child !== false);
  return { tag, key: props.key ?? null, props, children: kept as readonly (Drawn | string)[] };
}

/** Makes the children of an element what is described. */
export function draw(parent: Element, children: readonly (Drawn | string)[]): void {
  const keyed = keyedChildren(parent);
  let place: Node | null = parent.firstChild;
  for (const child of children) {
    const wanted = typeof child === "string" || child.key === null ? null : keyed.get(child.key);
    const reusable =
      wanted && isAlike(wanted, child) ? wanted : place && isAlike(place, child) ? place : null;
    if (!reusable) parent.insertBefore(create(child), place);
    else {
      if (reusable === place) place = place.nextSibling;
      else parent.insertBefore(reusable, place);
      update(reusable, child);
    }
  }
  while (place) {
    const next: Node | null = place.nextSibling;
    parent.removeChild(place);
    place = next;
  }
}

function keyedChildren(parent: Element): ReadonlyMap<string, Node> {
  const found = new Map<string, Node>();
  for (const node of parent.childNodes) {
    const key = drawnAs.get(node)?.key;
    if (key) found.set(key, node);
  }
  return found;
}

function isAlike(node: Node, child: Drawn | string): boolean {
  if (typeof child === "string") return node.nodeType === Node.TEXT_NODE;
  const drawn = drawnAs.get(node);
  return drawn !== undefined && drawn.tag === child.tag && drawn.key === child.key;
}

function create(child: Drawn | string): Node {
  if (typeof child === "string") return document.createTextNode(child);
  const element = svgTags.has(child.tag)
    ? document.createElementNS("http://www.w3.org/2000/svg", child.tag)
    : document.createElement(child.tag);
  drawnAs.set(element, { ...child, props: {} });
  update(element, child);
  const { mounted } = child.props;
  if (mounted) queueMicrotask(() => mounted(element as never));
  return element;
}

function update(node: Node, child: Drawn | string): void {
  if (typeof child === "string") {
    if (node.nodeValue !== child) node.nodeValue = child;
    return;
  }
  const element = node as HTMLElement;
  const before = drawnAs.get(element)!.props;
  drawnAs.set(element, child);
  setAttributes(element, before, child.props);
  setListeners(element, before.on ?? {}, child.props.on ?? {});
  for (const [name, value] of Object.entries(child.props.vars ?? {})) element.style.setProperty(name, value);
  draw(element, child.children);
  const { value } = child.props;
  if (value !== undefined && (element as HTMLInputElement).value !== value)
    (element as HTMLInputElement).value = value;
}

function setAttributes(element: Element, before: Props, after: Props): void {
  for (const name of Object.keys(before)) {
    if (!notAttributes.has(name) && !isSet(after[name])) element.removeAttribute(name);
  }
  for (const [name, value] of Object.entries(after)) {
    if (notAttributes.has(name) || !isSet(value)) continue;
    const text = value === true ? "" : String(value);
    if (element.getAttribute(name) !== text) element.setAttribute(name, text);
  }
}

function isSet(value: unknown): boolean {
  return value !== undefined && value !== null && value !== false;
}

type Listeners = Readonly<Record<string, (event: never) => void>>;

function setListeners(element: Element, before: Listeners, after: Listeners): void {
  for (const name of Object.keys({ ...before, ...after })) {
    if (before[name] === after[name]) continue;
    if (before[name]) element.removeEventListener(name, before[name] as unknown as EventListener);
    if (after[name]) element.addEventListener(name, after[name] as unknown as EventListener);
  }
}
