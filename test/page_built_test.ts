/** The page that is served is what its sources come to, and small. */

import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import built from "../page/built.json" with { type: "json" };
import { buildPage } from "./page_build.ts";

/** Bytes, gzipped. */
const LARGEST = 60_000;

Deno.test("page/built.json is what its sources come to: `deno task page`", () => {
  assert.deepEqual(built, buildPage());
});

Deno.test(`the page is ${LARGEST} bytes gzipped at most`, () => {
  const size = gzipSync(built.html).length + gzipSync(built.script).length;
  assert.ok(size <= LARGEST, `${size}`);
});

Deno.test("the document has one style, no inline script, and nothing of others", () => {
  assert.equal(built.html.match(/<style>/g)?.length, 1);
  assert.doesNotMatch(built.html, /<script>|\son\w+=|style="/);
  for (const text of [built.html, built.script]) {
    const hosts = text.match(/https?:\/\/[\w.-]+/g) ?? [];
    // Names of XML, and what is shown where one is to be typed, are no requests.
    const known = /:\/\/(?:www\.w3\.org|[\w.]*\bexample\.com)$/;
    assert.deepEqual(hosts.filter((host) => !known.test(host)), []);
  }
});
