// Lets `bun test` run tests written for `Deno.test`. Loaded by bunfig.toml only.
// @ts-ignore bun:test exists only under Bun
import { setDefaultTimeout, test } from "bun:test";

setDefaultTimeout(60_000);
Object.assign(globalThis, {
  Deno: {
    test: (name: string, body: () => void | Promise<void>) => test(name, body),
  },
});
