/**
 * Texts that nobody reads or changes without a key: AES-256-GCM with a random
 * nonce.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";

/** What a text is enciphered with. */
export interface Terms {
  /** 32 bytes. */
  readonly key: Uint8Array;
  /** What it belongs to: not hidden, and the text opens with nothing else. */
  readonly bound?: string;
}

const NONCE = 12;
const TAG = 16;

/** Nonce, tag and ciphertext as base64url. */
export function encipher(text: string, { key, bound = "" }: Terms): string {
  const nonce = randomBytes(NONCE);
  const cipher = createCipheriv("aes-256-gcm", key, nonce);
  cipher.setAAD(Buffer.from(bound));
  const hidden = Buffer.concat([cipher.update(text, "utf8"), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), hidden])
    .toString("base64url");
}

/** The text; `undefined` where one character of what is given is not as it was made. */
export function decipher(
  given: string,
  { key, bound = "" }: Terms,
): string | undefined {
  const bytes = Buffer.from(given, "base64url");
  // The decoder passes over what is no base64url, and over bits at its end.
  if (bytes.toString("base64url") !== given) return undefined;
  if (bytes.length < NONCE + TAG) return undefined;
  const cipher = createDecipheriv("aes-256-gcm", key, bytes.subarray(0, NONCE));
  cipher.setAAD(Buffer.from(bound));
  cipher.setAuthTag(bytes.subarray(NONCE, NONCE + TAG));
  try {
    const hidden = bytes.subarray(NONCE + TAG);
    return cipher.update(hidden, undefined, "utf8") + cipher.final("utf8");
  } catch {
    return undefined;
  }
}
