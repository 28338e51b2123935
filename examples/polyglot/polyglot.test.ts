import { execFile, spawn, spawnSync } from "node:child_process";
import type { ChildProcessByStdio } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { promisify } from "node:util";
import { connect } from "spawn-mesh";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";

const root = join(import.meta.dirname, "../..");
const scratch = mkdtempSync(join(tmpdir(), "spawn-polyglot-"));
const run = promisify(execFile);

/** A program of the example: what starts it. */
interface Language {
  readonly name: string;
  readonly command: readonly [string, ...string[]];
}

/** Where Debian has Go packages. */
const GO_PATH = "/usr/share/gocode";
const PYTHONS = ["/usr/bin/python3", "python3"];

const python = PYTHONS.find(
  (program) => spawnSync(program, ["-c", "import google.protobuf"]).status === 0,
);
const hasGo =
  existsSync(join(GO_PATH, "src/google.golang.org/protobuf")) &&
  spawnSync("go", ["version"]).status === 0;

const typescript: Language = {
  name: "TypeScript",
  command: [
    process.execPath,
    "--conditions=@spawn-mesh/source",
    join(import.meta.dirname, "typescript/host.ts"),
  ],
};
const languages: readonly Language[] = [
  typescript,
  ...(python === undefined
    ? []
    : [
        {
          name: "Python",
          command: [python, join(import.meta.dirname, "python/host.py")] as [string, string],
        },
      ]),
  ...(hasGo ? [{ name: "Go", command: [join(scratch, "host")] as [string] }] : []),
];

type Program = ChildProcessByStdio<null, Readable, Readable>;
const running: Program[] = [];
let environment: NodeJS.ProcessEnv;
let url: string;

/** Starts a program, and answers it with what it has said when that matches. */
async function start(
  [program, ...args]: Language["command"],
  env: NodeJS.ProcessEnv,
  ready: RegExp,
): Promise<{ readonly child: Program; readonly said: string }> {
  const child = spawn(program, args, { env, stdio: ["ignore", "pipe", "pipe"] });
  running.push(child);
  let said = "";
  const isReady = new Promise<void>((resolve, reject) => {
    const hear = (chunk: Buffer): void => {
      said += chunk.toString();
      if (ready.test(said)) resolve();
    };
    child.stdout.on("data", hear);
    child.stderr.on("data", hear);
    child.on("error", reject);
    child.on("exit", () => reject(new Error(`${program} has ended, and said: ${said}`)));
  });
  await isReady;
  return { child, said };
}

async function stop(child: Program): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill("SIGKILL");
  await ended;
}

async function host({ name, command }: Language, actor: string): Promise<Program> {
  const ready = new RegExp(`${name} hosts ${actor}`);
  const { child } = await start([...command, "serve", actor], environment, ready);
  return child;
}

/** What `add` answers when it is called from a program in this language. */
async function add({ command }: Language, actor: string, value: number): Promise<unknown> {
  const [program, ...args] = command;
  const all = [...args, "call", actor, `${value}`];
  const { stdout } = await run(program, all, { env: environment });
  return JSON.parse(stdout) as unknown;
}

beforeAll(async () => {
  const proto = join(scratch, "spawn.binpb");
  const buf = join(root, "node_modules/.bin/buf");
  await run(buf, ["build", "--as-file-descriptor-set", "-o", proto], { cwd: root });
  if (hasGo) {
    const go = { GO111MODULE: "off", GOPATH: GO_PATH, GOCACHE: join(scratch, "cache") };
    const args = ["build", "-o", join(scratch, "host"), join(import.meta.dirname, "go/host.go")];
    await run("go", args, { env: { ...process.env, ...go } });
  }
  const proxy = join(root, "packages/proxy/bin/spawn-proxy.js");
  const { said } = await start(
    [process.execPath, proxy],
    {
      ...process.env,
      PROXY_HTTP_PORT: "0",
      PROXY_GRPC_ENABLED: "false",
      PROXY_DATABASE_TYPE: "sqlite",
      PROXY_DATABASE_NAME: join(scratch, "state.db"),
    },
    /"event":"listening".*"port":\d+/,
  );
  url = `http://127.0.0.1:${/"event":"listening".*"port":(\d+)/.exec(said)![1]}`;
  environment = { ...process.env, SPAWN_PROXY: url, SPAWN_PROTO: proto };
}, 240_000);

let proxies = 1;
afterEach(async () => {
  // The proxy is the first and stays.
  await Promise.all(running.splice(proxies).map(stop));
});
afterAll(async () => {
  proxies = 0;
  await Promise.all(running.map(stop));
  rmSync(scratch, { recursive: true, force: true });
});

describe.each(["TypeScript", "Python", "Go"])("an actor that %s hosts", (name) => {
  const hosting = languages.find((language) => language.name === name);
  const title = (text: string): string =>
    hosting === undefined ? `${text} (skipped: ${name} with protobuf is not installed)` : text;

  test.skipIf(hosting === undefined)(
    title("counts 1, and then 6, whichever languages call"),
    async () => {
      for (const [index, first] of languages.entries()) {
        const second = languages[(index + 1) % languages.length]!;
        const actor = `incrementor-${name}-${first.name}`;
        await host(hosting!, actor);
        expect(await add(first, actor, 1)).toEqual({ total: 1 });
        expect(await add(second, actor, 5)).toEqual({ total: 6 });
      }
    },
    60_000,
  );
});

test("one actor goes from language to language, and its state with it", async () => {
  let total = 0;
  for (const language of [...languages, typescript]) {
    const child = await host(language, "traveller");
    total += 1;
    expect(await add(typescript, "traveller", 1)).toEqual({ total });
    await stop(child);
  }
}, 60_000);

test("the article's line reaches whoever hosts the actor", async () => {
  await host(languages.at(-1)!, "incrementor");
  await add(languages[1] ?? typescript, "incrementor", 1);
  await using spawn = connect(url);
  const answer = await spawn.invoke("incrementor", {
    action: "add",
    system: "spawn-system",
    payload: { value: 5 },
  });
  expect(answer).toEqual({ total: 6 });
});
