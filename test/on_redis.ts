/** Laws on a real Redis, beside those on SQLite: a doppel whose store is asked over HTTP. */

import { upstashStore } from "../store/upstash.ts";
import type { Store } from "../core/store.ts";
import {
  type Gateway,
  gateway,
  law,
  type Overrides,
  START,
} from "./gateway.ts";
import { redisInstalled, startUpstash } from "./redis.ts";

/** One law, on both stores; on Redis where it is installed. */
export function lawOnBoth(
  name: string,
  body: (gateway: Gateway) => Promise<void>,
  overrides: Overrides = {},
): void {
  law(name, body, overrides);
  if (!redisInstalled()) return;
  Deno.test(`${name}, on Redis`, async () => {
    const upstash = await startUpstash();
    let behind: Gateway | undefined;
    const store = upstashStore({
      ...upstash,
      timeout: 10_000,
      now: () => START,
    });
    // Redis looks at its own clock, and forgets nonces of a time that is past.
    const kept: Store = Object.assign(Object.create(store) as Store, store, {
      takeNonce: () => Promise.resolve(true),
    });
    try {
      behind = gateway({ ...overrides, store: kept });
      await body({ ...behind, store: kept });
    } finally {
      await behind?.settled();
      behind?.close();
      await upstash.close();
    }
  });
}
