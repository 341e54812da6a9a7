import { mkdir, rename } from "node:fs/promises";
import { join } from "node:path";
import { archiveName, carriedFiles, nativeDirectory } from "../src/store/embedded/carried.ts";

/** 16 MB in 3 s; level 19 gives 15 MB in 19 s. */
const compressionLevel = 12;

/**
 * Packs the carried PostgreSQL as tar and zstd into `directory` and gives the file's path, for `bun build --asset PATH`.
 * An archive of the same version and selection is kept: its name holds both.
 */
export async function packPostgres(directory: string): Promise<string> {
  const path = join(directory, archiveName);
  if (await Bun.file(path).exists()) return path;
  await mkdir(directory, { recursive: true });
  const tar = await new Bun.Archive(await readCarried()).bytes();
  await Bun.write(`${path}.new`, await Bun.zstdCompress(tar, { level: compressionLevel }));
  await rename(`${path}.new`, path);
  return path;
}

async function readCarried(): Promise<Record<string, Uint8Array<ArrayBuffer>>> {
  const files = carriedFiles(nativeDirectory());
  const read = async (target: string, source: string) => [target, await Bun.file(source).bytes()] as const;
  return Object.fromEntries(await Promise.all(files.map((file) => read(file.target, file.source))));
}

if (import.meta.main) console.log(await packPostgres(process.argv[2] ?? "dist"));
