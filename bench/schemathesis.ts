// Schemathesis against /openapi.json of the compiled executable in `dev`: `bun bench/schemathesis.ts [examples]` (200 for each operation by
// default), after `npm run build`. Twice: with ids that nothing has, and about a conversation and a message that exist. Fails for a 5xx, and for a
// status, header or body that is not documented. Installs the pinned version into .tools with Python's own venv and pip.
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { operations } from "../src/operations/list.ts";
import { RestClient } from "../src/testing/clients/rest-client.ts";
import { eventually } from "../src/testing/eventually.ts";
import { freePort, type ServerProcess, startServer } from "../src/testing/processes/server.ts";

const version = "4.32.5";
const root = join(import.meta.dir, "..");
const venv = join(root, ".tools", `schemathesis-${version}`);
const program = join(venv, "bin", "schemathesis");
const checks = [
  "not_a_server_error",
  "status_code_conformance",
  "content_type_conformance",
  "response_headers_conformance",
  "response_schema_conformance",
  "ignored_auth",
];

async function main(examples: string): Promise<void> {
  if (!existsSync(program)) install();
  const directory = await mkdtemp(join(tmpdir(), "whispr-schemathesis-"));
  try {
    await using server = await startServer({
      arguments: ["dev"],
      environment: { WHISPR_DATA_DIR: join(directory, "data"), HOME: directory },
      port: await freePort(),
      command: [process.env.WHISPR_TEST_BINARY ?? join(root, "dist", "whispr-msg")],
      deadlineMs: 180_000,
    });
    const token = await tokenIn(server, "ALICE");
    const config = join(directory, "schemathesis.toml");
    await Bun.write(config, await configAbout(server, token));
    const codes = [
      await run(server, token, examples, []),
      await run(server, token, examples, ["--config-file", config]),
    ];
    const { code } = await server.end("SIGTERM");
    process.exitCode = codes.every((each) => each === 0) && code === 0 ? 0 : 1;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

function install(): void {
  const steps = [
    ["python3", "-m", "venv", venv],
    [
      join(venv, "bin", "pip"),
      "install",
      "--quiet",
      "--disable-pip-version-check",
      `schemathesis==${version}`,
    ],
  ];
  for (const step of steps) {
    const done = Bun.spawnSync(step, { stdout: "inherit", stderr: "inherit" });
    if (done.exitCode !== 0) throw new Error(`${step.join(" ")} failed with ${done.exitCode}`);
  }
}

/** `dev` prints it a moment after it is ready. */
async function tokenIn(server: ServerProcess, name: string): Promise<string> {
  const find = () => new RegExp(`^export ${name}=(\\S+)$`, "m").exec(server.output())?.[1];
  await eventually(`dev to print the token of ${name}`, () => find() !== undefined);
  return find()!;
}

/** Each operation about a group, a message and a member that are there; those that end something have their own. */
async function configAbout({ url, output }: ServerProcess, token: string): Promise<string> {
  const rest = new RestClient({ url, token });
  const [, bob] = /^ {2}bob {3}(\S+)$/m.exec(output()) ?? [];
  const [shared, own] = [await place(rest, bob!), await place(rest, bob!)];
  return operations
    .flatMap((operation) => operation.rest.map((door) => ({ ...door, id: door.name ?? operation.name })))
    .filter(({ path }) => path.includes(":id"))
    .map(({ id, path }) => {
      const { group, message } = ending.includes(id) ? own : shared;
      const ids = { ":id": path.startsWith("/messages") ? message : group, ":userId": bob };
      const named = Object.entries(ids).filter(([name]) => path.includes(name));
      const parameters = named.map(([name, value]) => `"${name.replace(":", "path.")}" = "${value}"`);
      return `[[operations]]\ninclude-operation-id = "${id}"\nparameters = { ${parameters.join(", ")} }\n`;
    })
    .join("\n");
}

const ending = ["leave_conversation", "remove_member", "delete_message"];

async function place(rest: RestClient, bob: string) {
  const group = await create(rest, "/conversations", { type: "group", name: "Friends", user_ids: [bob] });
  const media = { content: "Hello", message_type: "media" };
  return { group, message: await create(rest, `/conversations/${group}/messages`, media) };
}

async function create(rest: RestClient, path: string, body: object): Promise<string> {
  const created = await rest.call("POST", path, body);
  return (created.body as { data: { id: string } }).data.id;
}

async function run(
  { url }: ServerProcess,
  token: string,
  examples: string,
  before: readonly string[],
): Promise<number> {
  const options = [
    "--checks",
    checks.join(","),
    "--max-examples",
    examples,
    "--phases",
    "examples,coverage,fuzzing",
  ];
  const own = ["--header", `Authorization: Bearer ${token}`, "--continue-on-failure", "--warnings", "off"];
  const command = [program, "--no-color", ...before, "run", `${url}/openapi.json`, ...options, ...own];
  const child = Bun.spawn(command, {
    stdout: "inherit",
    stderr: "inherit",
    env: { ...process.env, PYTHONUTF8: "1" },
  });
  return child.exited;
}

await main(process.argv[2] ?? "200");
