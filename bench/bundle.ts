/** How large the program is, as `deno task bundle` makes it. */

import { spawnSync } from "node:child_process";
import { rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import {
  compactTables,
  named,
  sizeOf,
  TABLES,
  withImports,
} from "../test/bundle_size.ts";
import { bunPath } from "../test/subject.ts";
import type { Size } from "./result.ts";

const root = fileURLToPath(new URL("../", import.meta.url));

export function measureBundle(): readonly Size[] {
  rmSync(`${root}dist`, { recursive: true, force: true });
  const { status, stderr } = spawnSync(bunPath(), ["run", "test/bundler.ts"], {
    cwd: root,
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`the bundle: ${stderr}`);
  compactTables();
  const start = withImports(["doppel.js", named("sqlite")]);
  const redis = withImports(["doppel.js", named("upstash")]);
  return [
    { part: "a start with SQLite", ...sizeOf(start) },
    { part: "a start with Redis", ...sizeOf(redis) },
    { part: "prices, when they are needed", ...sizeOf(TABLES) },
  ];
}
