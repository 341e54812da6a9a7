import { readFileSync } from "node:fs";

export interface Mount {
  readonly point: string;
  readonly type: string;
  readonly options: readonly string[];
}

/** The file system that holds an absolute, real path; null where `/proc` does not tell. */
export function mountOf(path: string): Mount | null {
  let found: Mount | null = null;
  for (const line of mountLines()) {
    const mount = parseMount(line);
    if (mount === null || !isBelow(path, mount.point)) continue;
    // A later mount on the same point covers the earlier one.
    if (found === null || mount.point.length >= found.point.length) found = mount;
  }
  return found;
}

function mountLines(): readonly string[] {
  try {
    return readFileSync("/proc/self/mountinfo", "utf8").split("\n");
  } catch {
    return [];
  }
}

/** proc(5): `36 35 98:0 /root /mnt rw,noatime master:1 - ext3 /dev/root rw`, with spaces written as `\040`. */
function parseMount(line: string): Mount | null {
  const [before, after] = line.split(" - ");
  const fields = before?.split(" ") ?? [];
  const [point, options, type] = [fields[4], fields[5], after?.split(" ")[0]];
  if (point === undefined || options === undefined || type === undefined) return null;
  return { point: unescapeOctal(point), type, options: options.split(",") };
}

function unescapeOctal(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
}

function isBelow(path: string, point: string): boolean {
  return point === "/" || path === point || path.startsWith(`${point}/`);
}
