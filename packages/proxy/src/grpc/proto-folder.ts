/**
 * Descriptor sets from folders of `.proto` files, compiled by buf.
 *
 * The files that every actor service imports come with the proxy, so users need no copies of them. Where
 * they have some, theirs are used.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cp, glob, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, extname, join } from "node:path";
import { buffer, text } from "node:stream/consumers";
import { SpawnError } from "spawn-mesh/engine";

/** What services import. In the repository it is at the root, and the build puts it beside the code. */
const ownProtos = join(
  import.meta.dirname,
  extname(import.meta.filename) === ".ts" ? "../../../../proto" : "../proto",
);
const importable = [
  "google/api/annotations.proto",
  "google/api/http.proto",
  "spawn/actors/actor.proto",
  "spawn/actors/extensions.proto",
];

const MODULE = "version: v2\n";

/**
 * The descriptor set of all `.proto` files in a folder and its subfolders, whose imports are relative to
 * it; undefined when there are none.
 *
 * @throws {SpawnError} `INVALID_ARGUMENT` when they do not compile, or `@bufbuild/buf` is not installed
 */
export async function compileProtoFolder(folder: string): Promise<Uint8Array | undefined> {
  const files = await Array.fromAsync(glob("**/*.proto", { cwd: folder }));
  if (files.length === 0) return undefined;
  const buf = findBuf(folder);
  const module = await mkdtemp(join(tmpdir(), "spawn-protos-"));
  try {
    // Ours first: a file of the user in the same place goes over it.
    for (const file of importable) await cp(join(ownProtos, file), join(module, file));
    for (const file of files) await cp(join(folder, file), join(module, file));
    await writeFile(join(module, "buf.yaml"), MODULE);
    return await build(buf, module, folder);
  } finally {
    await rm(module, { recursive: true, force: true });
  }
}

function findBuf(folder: string): string {
  try {
    const manifest = createRequire(import.meta.url).resolve("@bufbuild/buf/package.json");
    return join(dirname(manifest), "bin/buf");
  } catch (error) {
    throw new SpawnError(
      "INVALID_ARGUMENT",
      `${folder} has .proto files, and what compiles them is not installed. Install @bufbuild/buf beside @spawn-mesh/proxy, or give a descriptor set in PROXY_PROTO_DESCRIPTOR_PATH.`,
      { cause: error },
    );
  }
}

async function build(buf: string, module: string, folder: string): Promise<Uint8Array> {
  const options = ["build", "--as-file-descriptor-set", "--output", "-#format=binpb"];
  const child = spawn(process.execPath, [buf, ...options], {
    cwd: module,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [set, complaints, [status]] = await Promise.all([
    buffer(child.stdout),
    text(child.stderr),
    once(child, "exit") as Promise<[number | null]>,
  ]);
  if (status === 0) return set;
  throw new SpawnError(
    "INVALID_ARGUMENT",
    `the .proto files in ${folder} do not compile:\n${complaints.slice(0, 2_000).trimEnd()}`,
  );
}
