/** After everything else: no secret the suites used is in anything a doppel wrote, sent or kept. */

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { SECRETS, TEXTS } from "./evidence.ts";

Deno.test("no key, token or secret is in a log, an answer, an error or a store", () => {
  assert.ok(existsSync(SECRETS) && existsSync(TEXTS), "run `deno task test`");
  const secrets = new Set(
    readFileSync(SECRETS, "utf8").split("\n").filter(Boolean),
  );
  const texts = readFileSync(TEXTS, "latin1").split("\n=== ");
  assert.ok(
    secrets.size > 20 && texts.length > 50,
    "the suites left no evidence",
  );
  for (const text of texts) {
    const [source] = text.split("\n", 1);
    for (const secret of secrets) {
      assert.ok(
        !text.includes(secret),
        `${source} holds ${secret.slice(0, 12)}…`,
      );
    }
  }
});

Deno.test("the search finds what is there", () => {
  const [secret] = readFileSync(SECRETS, "utf8").split("\n");
  assert.ok(`x${secret}y`.includes(secret!));
});
