import { SpawnError } from "../engine/index.ts";

/** The oldest Node, as `engines` of the package has it: npm only warns of an older one. */
const NODE_MIN = { major: 24, minor: 15 } as const;

/** @throws {SpawnError} `INVALID_ARGUMENT` for a Node that is too old */
export function checkNodeVersion(version: string = process.versions.node): void {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const isOld = major < NODE_MIN.major || (major === NODE_MIN.major && minor < NODE_MIN.minor);
  if (!isOld) return;
  throw new SpawnError(
    "INVALID_ARGUMENT",
    `spawn-mesh: expected Node ${NODE_MIN.major}.${NODE_MIN.minor} or newer, got ${version}`,
  );
}
