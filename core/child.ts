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

import { Buffer } from "node:buffer";
import {
  createCipheriv,
  createDecipheriv,
  hkdfSync,
  randomBytes,
} from "node:crypto";
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

/** `secret` as only the bearer of `child` can read it: AES-256-GCM, base64url. */
export function seal(secret: string, child: string): string {
  const nonce = randomBytes(12);
  const cipher = createCipheriv("aes-256-gcm", keyOf(child), nonce);
  const text = Buffer.concat([cipher.update(secret, "utf8"), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), text])
    .toString("base64url");
}

/** What was sealed; throws where `child` is not its key. */
export function unseal(sealed: string, child: string): string {
  const bytes = Buffer.from(sealed, "base64url");
  const nonce = bytes.subarray(0, 12);
  const decipher = createDecipheriv("aes-256-gcm", keyOf(child), nonce);
  decipher.setAuthTag(bytes.subarray(12, 28));
  return decipher.update(bytes.subarray(28), undefined, "utf8") +
    decipher.final("utf8");
}

function keyOf(child: string): Uint8Array {
  return new Uint8Array(
    hkdfSync("sha256", child, "", "doppel minted secret", 32),
  );
}
