/** Paths and queries, byte for byte. */

import { REWRITTEN, UNTOUCHED } from "../../test/targets.ts";
import type { Case } from "../case.ts";

/** What readers resolve in different ways. */
const TWO_READINGS = [
  "/v1/a/../b",
  "/v1/a/./b",
  "/v1/a/%2e%2e/b",
  "/v1/..%2fx",
  "/v1/..;/x",
  "/v1/a\\b",
  "/v1/a%5cb",
  "/v1/%00",
  "/v1/%0d%0ax-injected:%201",
];

export const targets: readonly Case[] = [
  ...UNTOUCHED,
  // RFC 3986 gives no place to some characters that clients write all the same.
  ...REWRITTEN.map(([target]) => target),
  ...TWO_READINGS,
].map((target) => ({ name: target.slice(0, 60), sends: { target } }));
