/**
 * Where the tables of trouble come from: loaded once, with the first pool that
 * is used. With one key they never are.
 *
 * @module
 */

import type { Provider } from "../core/provider.ts";

type Troubles = typeof import("./trouble.ts");

let troubles: Promise<Troubles> | undefined;

/** The column of a row. */
export function troubleTable(name: keyof Troubles): Provider["trouble"] {
  return async () => (await (troubles ??= import("./trouble.ts")))[name];
}
