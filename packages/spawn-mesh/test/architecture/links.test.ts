/** What a page links to is there: files move, and nobody reads every page again. */
import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";

const root = join(import.meta.dirname, "../../../..");
const pages = globSync(["*.md", "{packages,docs,examples,bench,chaos,demo,proto}/**/*.md"], {
  cwd: root,
  exclude: (path) => path.includes("node_modules"),
});

/** The places of this repository that a page links to, as written. */
function linksOf(text: string): readonly string[] {
  const prose = text.replaceAll(/```.*?```/gs, "");
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target = ""]) => target)
    .filter((target) => !/^[a-z]+:/.test(target));
}

/** Where a link with `#` can lead, as GitHub makes it of a heading. */
function anchorsOf(text: string): readonly string[] {
  return [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\w\- ]/g, "")
      .replaceAll(" ", "-"),
  );
}

function isThere(page: string, link: string): boolean {
  const [path = "", anchor] = link.split("#");
  const target = path === "" ? join(root, page) : join(root, dirname(page), path);
  if (!existsSync(target)) return false;
  return anchor === undefined || anchorsOf(readFileSync(target, "utf8")).includes(anchor);
}

test("every link of a page leads to a file and a heading that are there", () => {
  const links = pages.flatMap((page) =>
    linksOf(readFileSync(join(root, page), "utf8")).map((link) => ({ page, link })),
  );
  expect(links.length).toBeGreaterThan(100);
  expect(links.filter(({ page, link }) => !isThere(page, link))).toEqual([]);
});

test("a link to a file or a heading that is not there is found", () => {
  expect(isThere("README.md", "docs/guides/nowhere.md")).toBe(false);
  expect(isThere("README.md", "docs/guides/sidecar.md#nowhere")).toBe(false);
  expect(isThere("README.md", "docs/guides/sidecar.md#several-hosts")).toBe(true);
});
