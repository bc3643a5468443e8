/**
 * Secrets that an origin mints, exchanged for secrets of ours.
 *
 * Such a secret opens a session at the origin without doppel, so its holder
 * could go on after the token was taken back. What the client gets instead
 * works here only, and the real one is kept sealed with it: the store holds a
 * hash and what nobody but the bearer can open.
 *
 * @module
 */

import { hkdfSync } from "node:crypto";
import { decipher, encipher } from "./cipher.ts";
import { mintToken } from "./token.ts";

/** What SDKs look for at the beginning of a minted secret. */
const STARTS = ["ek_", "auth_tokens/"];
const CHILD = new RegExp(`^(?:${STARTS.join("|")})dpl_[0-9A-Za-z_]{47}$`);

/** Whether `value` is a secret that doppel gave in the place of an origin's. */
export function isChild(value: string): boolean {
  return CHILD.test(value);
}

/** A secret of ours that looks to SDKs as `secret` does. */
export function childOf(secret: string): string {
  const start = STARTS.find((known) => secret.startsWith(known)) ?? "ek_";
  return start + mintToken();
}

/** `secret` as only the bearer of `child` can read it. */
export function seal(secret: string, child: string): string {
  return encipher(secret, { key: keyOf(child) });
}

/** What was sealed; throws where `child` is not its key. */
export function unseal(sealed: string, child: string): string {
  const secret = decipher(sealed, { key: keyOf(child) });
  if (secret === undefined) throw new Error("This is not sealed for it");
  return secret;
}

function keyOf(child: string): Uint8Array {
  return new Uint8Array(
    hkdfSync("sha256", child, "", "doppel minted secret", 32),
  );
}
