/**
 * doppelganger tokens: minted, recognised, hashed.
 *
 * `dpl_` + 8 characters of public id + `_` + 32 characters of secret (190 bits)
 * + 6 characters of CRC-32, all base62. The checksum lets a scanner confirm a
 * find offline and lets doppel refuse a mistyped token without asking the store.
 *
 * @module
 */

import { createHash } from "node:crypto";

/** What a scanner for leaked tokens may look for; the checksum confirms a find. */
export const TOKEN_PATTERN = /\bdpl_[0-9A-Za-z]{8}_[0-9A-Za-z]{38}\b/;

const MINTED = /^dpl_([0-9A-Za-z]{8})_[0-9A-Za-z]{38}$/;
const UNRESERVED = /^[A-Za-z0-9\-._~]{20,256}$/;
/** Beginnings that SDKs give a meaning of their own (`research/sdks.md` §2.5). */
const TAKEN = ["auth_tokens/", "ek_", "sk-ant-oat"];
const BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/** A new token; `id` keeps the public id of one that is being rotated. */
export function mintToken(id: string = randomBase62(8)): string {
  const body = `dpl_${id}_${randomBase62(32)}`;
  return body + checksum(body);
}

/**
 * Whether `value` could be a token: minted with a right checksum, or of the
 * shape an owner may supply. Everything else needs no look at the store.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { isTokenShaped, mintToken } from "./token.ts";
 *
 * const token = mintToken();
 * assert.equal(isTokenShaped(token), true);
 * const other = token.endsWith("0") ? "1" : "0";
 * assert.equal(isTokenShaped(token.slice(0, -1) + other), false);
 * ```
 */
export function isTokenShaped(value: string): boolean {
  if (!UNRESERVED.test(value)) return false;
  if (TAKEN.some((start) => value.startsWith(start))) return false;
  if (!bearsOurPrefix(value)) return true;
  return MINTED.test(value) && checksum(value.slice(0, -6)) === value.slice(-6);
}

/** Whether `value` says of itself that it is ours: a token, or a child of one. */
export function bearsOurPrefix(value: string): boolean {
  return /^(?:ek_|auth_tokens\/)?dpl_/.test(value);
}

/**
 * The token's public id, 8 base62 characters: the one it carries, or for a
 * supplied token one taken from its hash. A function of the token, so that one
 * look-up finds the record under every hash that is valid for it.
 */
export function tokenId(token: string): string {
  const carried = MINTED.exec(token)?.[1];
  if (carried !== undefined) return carried;
  const digest = createHash("sha256").update(token).digest();
  return base62(Number(digest.readBigUInt64BE() % 62n ** 8n), 8);
}

/** Lower-case hex SHA-256, the only form in which a token is kept. */
export function hashToken(token: string): string {
  return createHash("sha256").update(token).digest("hex");
}

/** `text` with every token of ours in it cut down to its public id. */
export function redactTokens(text: string): string {
  return text.replace(
    /dpl_([0-9A-Za-z]{8})_[0-9A-Za-z]*/g,
    (_, id) => `dpl_${id}_…`,
  );
}

/** Random characters. 62^n is no power of two: bytes past the last whole multiple are thrown away, so that no character is likelier. */
export function randomBase62(length: number): string {
  let text = "";
  while (text.length < length) {
    for (const byte of crypto.getRandomValues(new Uint8Array(length))) {
      if (byte < 248 && text.length < length) text += BASE62[byte % 62];
    }
  }
  return text;
}

function checksum(text: string): string {
  return base62(crc32(text), 6);
}

/** @param value a whole number, exact as such */
function base62(value: number, length: number): string {
  let text = "";
  for (let left = value; text.length < length; left = Math.floor(left / 62)) {
    text = BASE62[left % 62] + text;
  }
  return text;
}

/** CRC-32 (ISO 3309) of ASCII text, unsigned. */
function crc32(text: string): number {
  let crc = ~0;
  for (let i = 0; i < text.length; i++) {
    crc = (crc >>> 8) ^ CRC[(crc ^ text.charCodeAt(i)) & 0xff]!;
  }
  return ~crc >>> 0;
}

/** What each byte does to a checksum. */
const CRC = Int32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) {
    crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  }
  return crc;
});
