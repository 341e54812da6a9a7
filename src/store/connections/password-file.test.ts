import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { $ } from "bun";

/** In a process of its own: the file is named by the environment. */

const directory = mkdtempSync(join(tmpdir(), "whispr-pgpass-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

async function passwordBy(environment: Readonly<Record<string, string>>, url: string): Promise<string> {
  const path = (name: string) => JSON.stringify(join(import.meta.dir, name));
  const script = `
    const { withPasswordFile } = await import(${path("password-file.ts")});
    const { pgAddressOf } = await import(${path("pg-address.ts")});
    const { password } = withPasswordFile(pgAddressOf(${JSON.stringify(url)}));
    console.log(String(typeof password === "string" ? password : await password()));`;
  const env = { PATH: process.env.PATH ?? "", ...environment };
  return (await $`${process.execPath} -e ${script}`.env(env).quiet().text()).trim();
}

function fileWith(mode: number): string {
  const path = join(directory, `${mode}`);
  writeFileSync(path, "db.example:5432:whispr:ada:from-file\n", { mode });
  return path;
}

const url = "postgres://ada@db.example/whispr";

test("an address without a password takes it from the file that PGPASSFILE names", async () => {
  expect(await passwordBy({ PGPASSFILE: fileWith(0o600) }, url)).toBe("from-file");
  expect(await passwordBy({ PGPASSFILE: fileWith(0o600) }, "postgres://bob@db.example/whispr")).toBe(
    "undefined",
  );
});

test("a password in the address or in PGPASSWORD comes first, and a file that others can read is not used", async () => {
  const PGPASSFILE = fileWith(0o600);
  expect(await passwordBy({ PGPASSFILE }, "postgres://ada:own@db.example/whispr")).toBe("own");
  expect(await passwordBy({ PGPASSFILE, PGPASSWORD: "variable" }, url)).toBe("variable");
  expect(await passwordBy({ PGPASSFILE: fileWith(0o640) }, url)).toBe("undefined");
});
