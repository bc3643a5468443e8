import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";

/** Importing folder or top-level file → what of the project it may import. */
const MAY_IMPORT: Record<string, readonly string[]> = {
  "core": ["core"],
  "providers": ["core", "providers"],
  "store": ["core", "store"],
  "prices": ["core", "prices"],
  "admin": ["core", "admin"],
  "admin.ts": ["core", "admin"],
  "routes.ts": ["core"],
  "egress.ts": ["core"],
  "hop.ts": ["core", "egress.ts"],
  "dial.ts": ["core"],
  "accept.ts": ["core"],
  "entrance.ts": ["core"],
  "app.ts": ["core", "admin.ts", "entrance.ts", "page.ts", "routes.ts"],
  "page.ts": ["page"],
  "page": ["page"],
  "client.ts": ["core"],
  "collect.ts": [],
  "cli.ts": ["core", "cli", "client.ts", "prices"],
  "cli": ["core", "cli"],
  "boot.ts": ["core", "store"],
  "start.ts": ["core"],
  "stop.ts": ["core"],
  "main.ts": [
    "core",
    "prices",
    "providers",
    "store",
    "accept.ts",
    "app.ts",
    "boot.ts",
    "collect.ts",
    "dial.ts",
    "egress.ts",
    "entrance.ts",
    "hop.ts",
    "stop.ts",
    "prices",
    "package.json",
  ],
};

/** Packages by who may import them; built-in modules are free but in core. */
const MAY_DEPEND: Record<string, readonly string[]> = {
  "admin": ["valibot"],
  "admin.ts": ["valibot", "hono", "hono/tiny"],
  "app.ts": ["hono/tiny"],
  "dial.ts": ["ws"],
  "page": ["preact", "preact/hooks"],
  "store": ["@upstash/redis/cloudflare"],
};

/** Pure functions of the standard library, the same on both runtimes; of `node:zlib` only streams in memory, since the web's own know no Brotli. */
const CORE_BUILT_IN = ["node:buffer", "node:crypto", "node:net", "node:zlib"];

const root = new URL("./", import.meta.url);
const skipped =
  /_test\.ts$|^store\/(?:limit_|live_|setup_|usage_)?contract\.ts$|^(?:node_modules|dist|test|bench|fidelity|\.test)\//;

async function sources() {
  const paths = await readdir(root, { recursive: true });
  return await Promise.all(
    paths.filter((path) => /\.tsx?$/.test(path) && !skipped.test(path))
      .map(async (path) => ({
        path,
        owner: path.split("/")[0]!,
        text: await readFile(new URL(path, root), "utf8"),
      })),
  );
}

/** Static, dynamic and type imports, and re-exports. */
const SPECIFIER = /^(?! \*).*(?:\bfrom|\bimport\(|^import) ?"([^"]+)"/gm;

Deno.test("imports point inwards: entrance → leaves → core", async () => {
  const wrong: string[] = [];
  for (const { path, owner, text } of await sources()) {
    assert.ok(MAY_IMPORT[owner], `${owner} has no row in MAY_IMPORT`);
    for (const [, specifier = ""] of text.matchAll(SPECIFIER)) {
      if (!specifier.startsWith(".")) continue;
      const target = new URL(specifier, new URL(path, root)).href
        .slice(root.href.length);
      const allowed = MAY_IMPORT[owner]!.includes(target.split("/")[0]!);
      if (!allowed) wrong.push(`${path} → ${target}`);
    }
  }
  assert.deepEqual(wrong, []);
});

Deno.test("packages are imported where they belong, and core imports none", async () => {
  const wrong: string[] = [];
  for (const { path, owner, text } of await sources()) {
    for (const [, specifier = ""] of text.matchAll(SPECIFIER)) {
      if (specifier.startsWith(".")) continue;
      const allowed = specifier.startsWith("node:")
        ? owner !== "core" || CORE_BUILT_IN.includes(specifier)
        : (MAY_DEPEND[owner] ?? []).includes(specifier);
      if (!allowed) wrong.push(`${path} → ${specifier}`);
    }
  }
  assert.deepEqual(wrong, []);
});

Deno.test("only main.ts, start.ts and cli.ts read the environment; core reads no clock", async () => {
  for (const { path, owner, text } of await sources()) {
    if (["main.ts", "start.ts", "cli.ts"].includes(path)) continue;
    assert.doesNotMatch(text, /process\.env|\bDeno\.\w|\bBun\.\w/, path);
    if (owner === "core") {
      assert.doesNotMatch(text, /Date\.now\(\)|[^.\w]fetch\(/, path);
    }
  }
});

Deno.test("no source file is longer than 300 lines, no function longer than 60", async () => {
  for (const { path, text } of await sources()) {
    const lines = text.split("\n");
    assert.ok(lines.length <= 301, `${path}: ${lines.length}`);
    let start = -1;
    lines.forEach((line, i) => {
      if (/^(?:export )?(?:default )?(?:async )?function\b/.test(line)) {
        start = i;
      }
      if (line !== "}" || start === -1) return;
      assert.ok(
        i - start < 60,
        `${path}:${start + 1} is ${i - start + 1} lines`,
      );
      start = -1;
    });
  }
});
