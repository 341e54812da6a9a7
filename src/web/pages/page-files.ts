import { join } from "node:path";

/** A page as it is sent: three texts, and nothing from anywhere else. */
export interface PageFiles {
  readonly html: string;
  readonly script: string;
  readonly style: string;
}

/** A page of our own, in a folder with `page.html`, `main.ts` and `page.css`. */
export interface PageSource {
  /** The file that the build embeds, with `--asset`, in the executable. */
  readonly embeddedName: string;
  /** Its folder, where it is made from the sources. */
  readonly folder: string;
}

/** Loads a page from the executable where it carries it, else makes it from the sources: 0.1 s. */
export async function pageFilesOf(source: PageSource): Promise<PageFiles> {
  const embedded = Bun.embeddedFiles.find(
    (file) => "name" in file && String(file.name).endsWith(source.embeddedName),
  );
  return embedded ? ((await embedded.json()) as PageFiles) : bundlePage(source);
}

/** Makes one script and one style of the many that a page is written in. Throws where they do not compile. */
export async function bundlePage({ folder }: PageSource): Promise<PageFiles> {
  const [html, script, style] = await Promise.all([
    Bun.file(join(folder, "page.html")).text(),
    bundle(join(folder, "main.ts")),
    bundle(join(folder, "page.css")),
  ]);
  return { html, script, style };
}

async function bundle(entry: string): Promise<string> {
  const { outputs } = await Bun.build({
    entrypoints: [entry],
    target: "browser",
    format: "iife",
    minify: true,
  });
  return outputs[0]!.text();
}
