/**
 * `deno task page`: the owner's page, out of `page/`, as one HTML document and
 * one script in `page/built.json`, which is kept beside its sources.
 */

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { bunPath } from "./subject.ts";

const root = fileURLToPath(new URL("../", import.meta.url));

/** The artefact. */
export interface BuiltPage {
  readonly html: string;
  readonly script: string;
  /** As CSP writes it. */
  readonly styleHash: string;
}

/** What the sources come to. */
export function buildPage(): BuiltPage {
  const bundled = (entry: string) => {
    const { stdout, stderr, status } = spawnSync(bunPath(), [
      ...["build", entry, "--minify", "--target", "browser"],
      ...["--jsx-import-source", "preact", "--define"],
      'process.env.NODE_ENV="production"',
    ], {
      cwd: root,
      encoding: "utf8",
      maxBuffer: 2 ** 26,
      env: { ...process.env, NODE_ENV: "production" },
    });
    if (status !== 0) throw new Error(stderr);
    return stdout.trim();
  };
  const script = bundled("page/main.tsx");
  const style = bundled("page/style.css");
  const hash = createHash("sha256").update(style).digest("base64");
  const html = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>doppel</title>
<link rel="icon" href="data:,">
<style>${style}</style>
<script src="/admin/page.js" defer></script>
<body></body>
</html>
`;
  return { html, script, styleHash: `sha256-${hash}` };
}

if (import.meta.main) {
  const built = JSON.stringify(buildPage());
  writeFileSync(`${root}page/built.json`, `${built}\n`);
}
