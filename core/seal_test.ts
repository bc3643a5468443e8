/** Sealed keys: what opens, and what does not. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createSeal, tailOf } from "./seal.ts";

const present = "present-secret-of-the-tests-0123456789";
const previous = "previous-secret-of-the-tests-012345678";
const whose = { provider: "openai", id: "openai-main" };
const KEY = "sk-canary-sealed-ü-0123456789abcdef";

Deno.test("a sealed key opens under its secret, and under that as the previous one", () => {
  const record = { ...whose, ...createSeal({ present }).seal(KEY, whose) };
  assert.ok(!JSON.stringify(record).includes("canary"));
  assert.equal(createSeal({ present }).open(record), KEY);
  const rotated = createSeal({ present: previous, previous: present });
  assert.equal(rotated.open(record), KEY);
  assert.notEqual(rotated.by, record.sealedBy);
  assert.equal(rotated.seal(KEY, whose).sealedBy, rotated.by);
  assert.equal(createSeal({ previous: present }).open(record), KEY);
});

Deno.test("a sealed key opens under no other secret, and without one nothing is sealed", () => {
  const record = { ...whose, ...createSeal({ present }).seal(KEY, whose) };
  assert.equal(createSeal({ present: previous }).open(record), undefined);
  assert.equal(createSeal({}).open(record), undefined);
  assert.equal(createSeal({ previous: present }).by, undefined);
  assert.throws(() => createSeal({ previous: present }).seal(KEY, whose));
});

Deno.test("the same key is sealed differently each time", () => {
  const { seal } = createSeal({ present });
  assert.notEqual(seal(KEY, whose).sealed, seal(KEY, whose).sealed);
});

Deno.test("a sealed key with any one bit changed, or cut at any byte, does not open", () => {
  const { seal, open } = createSeal({ present });
  const { sealed, sealedBy } = seal(KEY, whose);
  const bytes = Buffer.from(sealed, "base64url");
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const changed = Buffer.from(bytes);
    changed[bit >> 3]! ^= 1 << (bit & 7);
    const record = {
      ...whose,
      sealedBy,
      sealed: changed.toString("base64url"),
    };
    assert.equal(open(record), undefined, `bit ${bit}`);
  }
  for (let length = 0; length < bytes.length; length++) {
    const cut = bytes.subarray(0, length).toString("base64url");
    assert.equal(open({ ...whose, sealedBy, sealed: cut }), undefined);
  }
});

Deno.test("a sealed key with any character of its text changed or added does not open", () => {
  const { seal, open } = createSeal({ present });
  // Three lengths: base64url has 0, 2 and 4 bits at its end that mean nothing.
  for (const key of ["sk-1", "sk-12", "sk-123"]) {
    const record = { ...whose, ...seal(key, whose) };
    for (const field of ["sealed", "sealedBy"] as const) {
      const text = record[field];
      for (let at = 0; at <= text.length; at++) {
        for (const other of "AQgw5_-+/=. \n!") {
          const rest = text.slice(at + 1);
          const replaced = text.slice(0, at) + other + rest;
          const added = text.slice(0, at) + other + text.slice(at);
          for (const changed of new Set([replaced, added])) {
            if (changed === text) continue;
            const moved = open({ ...record, [field]: changed });
            assert.equal(moved, undefined, `${field} ${at} ${other}`);
          }
        }
      }
    }
  }
});

Deno.test("a sealed key moved to another id or provider does not open", () => {
  const { seal, open } = createSeal({ present });
  const record = { ...whose, ...seal(KEY, whose) };
  const elsewhere: [provider: string, id: string][] = [
    ["openai", "openai-other"],
    ["anthropic", "openai-main"],
    ["openai-main", "openai"],
    ["openaio", "penai-main"],
    ['openai","openai-main', ""],
    ["", "openaiopenai-main"],
  ];
  for (const [provider, id] of elsewhere) {
    assert.equal(open({ ...record, provider, id }), undefined, provider + id);
  }
});

Deno.test("tailOf() shows four characters of a long key, and nothing of a short one", () => {
  assert.equal(tailOf("0123456789abcdef"), "cdef");
  assert.equal(tailOf("0123456789abcde"), "");
});
