import { join } from "node:path";

/** The playground as it is sent: three texts, and nothing from anywhere else. */
export interface PageFiles {
  readonly html: string;
  readonly script: string;
  readonly style: string;
}

/** The file that the build embeds, with `--asset`, in the executable. */
export const embeddedName = "whispr-playground.json";
const sources = join(import.meta.dir, "page");

/** From the executable where it carries them, else made from the sources: 0.1 s. */
export async function pageFiles(): Promise<PageFiles> {
  const embedded = Bun.embeddedFiles.find(
    (file) => "name" in file && String(file.name).endsWith(embeddedName),
  );
  return embedded ? ((await embedded.json()) as PageFiles) : bundlePage();
}

/** One script and one style of the many that the page is written in. Throws where they do not compile. */
export async function bundlePage(): Promise<PageFiles> {
  const [html, script, style] = await Promise.all([
    Bun.file(join(sources, "page.html")).text(),
    bundle("main.ts"),
    bundle("page.css"),
  ]);
  return { html, script, style };
}

async function bundle(entry: string): Promise<string> {
  const { outputs } = await Bun.build({
    entrypoints: [join(sources, entry)],
    target: "browser",
    format: "iife",
    minify: true,
  });
  return outputs[0]!.text();
}
