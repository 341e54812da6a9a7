import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";

const tokens = readFileSync(join(import.meta.dir, "page/styles/tokens.css"), "utf8");

/** Colours of text and what they stand on. */
const pairs = [
  ["ink", "canvas"],
  ["ink", "surface"],
  ["ink", "hover"],
  ["ink", "bad-soft"],
  ["ink-soft", "canvas"],
  ["ink-soft", "surface"],
  ["ink-soft", "hover"],
  ["ink-soft", "sunken"],
  ["ink-soft", "accent-soft"],
  ["accent-ink", "canvas"],
  ["accent-ink", "surface"],
  ["accent-ink", "hover"],
  ["accent-ink", "accent-soft"],
  ["on-accent", "accent"],
  ["on-accent", "accent-strong"],
  ["on-accent-soft", "accent"],
  ["read", "accent"],
  ["good", "canvas"],
  ["warn", "surface"],
  ["warn", "canvas"],
  ["warn", "warn-soft"],
  ["bad", "surface"],
  ["bad", "hover"],
  ["bad", "bad-soft"],
] as const;
/** Edges of controls and marks that are not text: WCAG 1.4.11. */
const shapes = [
  ["edge-strong", "surface"],
  ["good", "surface"],
] as const;

function colours(theme: "light" | "dark"): ReadonlyMap<string, string> {
  const block = tokens.split(`[data-theme="${theme}"] {`)[1]!.split("}")[0]!;
  return new Map(
    [...block.matchAll(/--([\w-]+): (#[0-9a-f]{6})/g)].map(([, name, value]) => [name!, value!]),
  );
}

/** WCAG 2: relative luminance. */
function luminance(hex: string): number {
  const [r, g, b] = [1, 3, 5]
    .map((at) => Number.parseInt(hex.slice(at, at + 2), 16) / 255)
    .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)) as [
    number,
    number,
    number,
  ];
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(one: string, other: string): number {
  const [dark, light] = [luminance(one), luminance(other)].sort((a, b) => a - b) as [number, number];
  return (light + 0.05) / (dark + 0.05);
}

function below(theme: "light" | "dark", least: number, wanted: readonly (readonly [string, string])[]) {
  const named = colours(theme);
  return wanted
    .map(([text, ground]) => ({ text, ground, ratio: contrast(named.get(text)!, named.get(ground)!) }))
    .filter(({ ratio }) => ratio < least)
    .map(({ text, ground, ratio }) => `${text} on ${ground}: ${ratio.toFixed(2)}`);
}

for (const theme of ["light", "dark"] as const)
  test(`every text of the playground can be read: 4.5 to 1 and more, in the ${theme} colours`, () => {
    expect(below(theme, 4.5, pairs)).toEqual([]);
    expect(below(theme, 3, shapes)).toEqual([]);
  });
