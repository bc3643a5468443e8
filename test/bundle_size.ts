/** What lies in `dist/`: which files are loaded together, and how large they are. */

import { Buffer } from "node:buffer";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const root = fileURLToPath(new URL("../", import.meta.url));
/** `from"./x.js"` and `import"./x.js"`, not `import("./x.js")`. */
const STATIC_IMPORT = /(?:\bfrom|\bimport)\s*"\.\/([^"]+)"/g;

/** Prices, which stay beside the program. */
export const TABLES = ["catalog.json", "own.json"];

/** Puts them there. */
export function compactTables(): void {
  for (const table of TABLES) {
    const compact = JSON.stringify(
      JSON.parse(readFileSync(`${root}prices/${table}`, "utf8")),
    );
    writeFileSync(`${root}dist/${table}`, compact);
  }
}

/** The chunk of this name. */
export function named(part: string): string {
  const found = readdirSync(`${root}dist`)
    .filter((file) => file.startsWith(`${part}-`));
  const [chunk] = found.sort((a, b) => read(b).length - read(a).length);
  if (chunk === undefined) throw new Error(`No chunk is called ${part}`);
  return chunk;
}

/** Files, and those that are loaded with them. */
export function withImports(loaded: readonly string[]): string[] {
  const all = new Set(loaded);
  for (const file of all) {
    const text = read(file).toString();
    for (const [, name = ""] of text.matchAll(STATIC_IMPORT)) all.add(name);
  }
  return [...all];
}

/** Bytes, compressed together. */
export function sizeOf(files: readonly string[]) {
  const all = Buffer.concat(files.map(read));
  return { minified: all.length, gzip: gzipSync(all).length };
}

function read(file: string): Buffer {
  return readFileSync(`${root}dist/${file}`);
}
