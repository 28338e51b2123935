import { globSync, mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { defineConfig } from "vitest/config";

/** Inside the repository every package resolves to its sources; nothing is built to run a test. */
const SOURCE_CONDITION = "@spawn-mesh/source";
const TESTS = "packages/spawn-mesh/test";

/**
 * Tests start hundreds of threads and processes that load the same sources. What one of them has compiled, the
 * next ones find here, until the run is over: each starts in half of the time.
 */
const compiled = mkdtempSync(join(tmpdir(), "spawn-mesh-compiled-"));
process.env["NODE_COMPILE_CACHE"] = compiled;
process.on("exit", () => rmSync(compiled, { recursive: true, force: true }));

interface Suite {
  readonly name: string;
  readonly include: readonly string[];
  /** When a test counts as hanging, in milliseconds: far more than it takes on a machine that is busy. */
  readonly timeoutMs: number;
  /** Whether it takes every core that it gets, for so long that whatever waits for time would wait for it too. */
  readonly isBusy?: boolean;
  readonly env?: Readonly<Record<string, string>>;
}

const suites: readonly Suite[] = [
  {
    name: "unit",
    include: ["packages/*/src/**/*.test.ts", "{scripts,bench,chaos,demo}/**/*.test.ts"],
    timeoutMs: 30_000,
  },
  { name: "architecture", include: [`${TESTS}/architecture/**/*.test.ts`], timeoutMs: 30_000 },
  { name: "conformance", include: [`${TESTS}/conformance/**/*.test.ts`], timeoutMs: 60_000 },
  {
    name: "behaviour",
    include: [`${TESTS}/{behaviour,bad-input}/**/*.test.ts`],
    timeoutMs: 30_000,
  },
  {
    name: "simulation",
    include: [`${TESTS}/simulation/**/*.test.ts`],
    timeoutMs: 120_000,
    isBusy: true,
  },
  {
    name: "mutations",
    include: [`${TESTS}/mutations/**/*.test.ts`],
    timeoutMs: 120_000,
    isBusy: true,
  },
  { name: "integration", include: [`${TESTS}/integration/**/*.test.ts`], timeoutMs: 180_000 },
  { name: "proxy", include: ["packages/proxy/test/**/*.test.ts"], timeoutMs: 30_000 },
  // What programs beside a sidecar do over its stream, they do by requests of HTTP too.
  {
    name: "proxy-by-requests",
    include: ["packages/proxy/test/{sidecar/**/*,sdk-security}.test.ts"],
    timeoutMs: 30_000,
    env: { SIDECAR_STREAM: "false" },
  },
  { name: "examples", include: ["examples/**/*.test.ts"], timeoutMs: 30_000 },
];

const typeTests = [`${TESTS}/types/**/*.test-d.ts`];

function hasFiles(patterns: readonly string[]): boolean {
  return globSync([...patterns], { cwd: import.meta.dirname }).length > 0;
}

export default defineConfig({
  resolve: { conditions: [SOURCE_CONDITION] },
  ssr: { resolve: { conditions: [SOURCE_CONDITION, "node"] } },
  test: {
    // Child processes and worker threads that a test starts inherit the condition.
    execArgv: [`--conditions=${SOURCE_CONDITION}`],
    // Most wait for a disk, a server or a moment half of the time: one file for each core.
    maxWorkers: availableParallelism(),
    // What comes soon comes a little later beside other files.
    expect: { poll: { timeout: 8_000, interval: 10 } },
    projects: [
      ...suites
        .filter(({ include }) => hasFiles(include))
        .map(({ name, include, timeoutMs, isBusy = false, env = {} }) => ({
          extends: true as const,
          test: {
            name,
            include: [...include],
            testTimeout: timeoutMs,
            hookTimeout: timeoutMs,
            // Groups run one after the other.
            sequence: { groupOrder: isBusy ? 1 : 0 },
            env: { ...env },
          },
        })),
      ...(hasFiles(typeTests)
        ? [
            {
              extends: true as const,
              test: {
                name: "types",
                include: [],
                typecheck: {
                  enabled: true,
                  only: true,
                  include: typeTests,
                  tsconfig: "./tsconfig.json",
                  // Errors outside of the type tests are what `npm run check` reports.
                  ignoreSourceErrors: true,
                },
              },
            },
          ]
        : []),
    ],
  },
});
