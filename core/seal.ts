/**
 * Keys at rest: sealed under a secret that the store does not have, so that
 * whoever reads the store reads no key.
 *
 * What a sealed key belongs to is sealed with it: under another provider or id
 * it does not open, and neither does it with one bit changed.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { decipher, encipher } from "./cipher.ts";
import type { Sealed } from "./setup.ts";
import { derivedSecret } from "./signature.ts";

/** Whose key it is. */
export interface Whose {
  /** The provider that issued it. */
  readonly provider: string;
  /** The credential's id. */
  readonly id: string;
}

/** The secrets it is sealed under, 32 characters or more each. */
export interface SealSecrets {
  /** Seals and opens; absent: nothing is sealed. */
  readonly present?: string | undefined;
  /** Opens, while the secret is being changed. */
  readonly previous?: string | undefined;
}

/** Seals keys, and opens them. */
export interface Seal {
  /** Public id of the data key that seals now; `undefined` where there is no secret. */
  readonly by: string | undefined;
  /** The key, sealed; throws where `by` is `undefined`. */
  seal(key: string, whose: Whose): Sealed;
  /** The key; `undefined` where it cannot be opened, and must not be used. */
  open(record: Whose & Sealed): string | undefined;
}

/**
 * Keeps data keys made of the secrets by HKDF, and forgets the secrets.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { createSeal } from "./seal.ts";
 *
 * const { seal, open } = createSeal({ present: "x".repeat(32) });
 * const whose = { provider: "openai", id: "openai-main" };
 * const sealed = seal("sk-1", whose);
 * assert.equal(open({ ...whose, ...sealed }), "sk-1");
 * assert.equal(open({ ...whose, ...sealed, id: "other" }), undefined);
 * ```
 */
export function createSeal({ present, previous }: SealSecrets): Seal {
  const keys = new Map<string, Buffer>();
  for (const secret of [previous, present]) {
    if (secret) keys.set(publicId(secret), dataKey(secret));
  }
  const by = present ? publicId(present) : undefined;
  return {
    by,
    seal(text, whose) {
      const key = by && keys.get(by);
      if (!key) throw new Error("There is no secret to seal under");
      const terms = { key, bound: boundTo(whose) };
      return { sealed: encipher(text, terms), sealedBy: by };
    },
    open({ sealed, sealedBy, ...whose }) {
      const key = keys.get(sealedBy);
      return key && decipher(sealed, { key, bound: boundTo(whose) });
    },
  };
}

/** The last four characters where the key has 16 or more; a shorter one shows nothing. */
export function tailOf(key: string): string {
  return key.length >= 16 ? key.slice(-4) : "";
}

/** As JSON, so that no two pairs are the same bytes. */
function boundTo({ provider, id }: Whose): string {
  return JSON.stringify(["doppel credential", provider, id]);
}

function dataKey(secret: string): Buffer {
  return Buffer.from(derivedSecret(secret, "doppel seal"), "base64url");
}

/** Derived under a label of its own, so that it says nothing of the data key. */
function publicId(secret: string): string {
  return derivedSecret(secret, "doppel seal id").slice(0, 8);
}
