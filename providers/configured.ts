/**
 * The table as one doppel has it: rows that are there, at the origins that the
 * owner chose, and his own.
 *
 * @module
 */

import type { Provider } from "../core/provider.ts";
import type { ProviderSettings } from "../core/settings_providers.ts";
import { customProvider } from "./custom.ts";
import { PROVIDERS } from "./mod.ts";

/** Every row that requests may go to. */
export function configuredProviders(
  { origins, bare, fixed, custom }: Omit<ProviderSettings, "pools">,
): readonly Provider[] {
  const rows = PROVIDERS.filter(({ id, own }) => !own || id in origins)
    .map((row) => at(row, origins[row.id], bare));
  return [...rows, ...custom.map(customProvider)].map((row) => {
    const fields = fixed[row.id];
    return fields === undefined ? row : { ...row, fixed: fields };
  });
}

/** Its answers go on naming the API's own host; the owner's own have none. */
function at(
  row: Provider,
  origin: string | undefined,
  bare: readonly string[],
): Provider {
  if (origin === undefined) return row;
  const { elsewhere: _, ...moved } = row;
  return {
    ...moved,
    origin,
    ...!row.own && { home: row.origin },
    ...bare.includes(origin) && { bare: [origin] },
  };
}
