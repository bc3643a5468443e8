/**
 * What the suite saw, on disk: every text a doppel wrote, sent or kept, and
 * every secret that must not be in it. `canary_test.ts` reads both, last.
 */

import { appendFileSync, mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";

const folder = fileURLToPath(new URL("../.test/", import.meta.url));
mkdirSync(folder, { recursive: true });

export const SECRETS = `${folder}secrets.txt`;
export const TEXTS = `${folder}texts.txt`;

/** From now on this may be nowhere. */
export function keepSecret(secret: string) {
  appendFileSync(SECRETS, secret + "\n");
}

/** Something a secret could be in. */
export function keepText(source: string, text: string) {
  appendFileSync(TEXTS, `\n=== ${source}\n${text}`);
}
