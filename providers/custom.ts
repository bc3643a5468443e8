/**
 * APIs that the table does not know: each is a row of the wire it speaks, at an
 * origin of the owner's.
 *
 * @module
 */

import type { CustomProvider, KeySlot, Wire } from "../core/custom.ts";
import { NO_SIGNS, type Provider } from "../core/provider.ts";
import { bearer, NOWHERE, versioned } from "./compatible.ts";
import { anthropic, gemini, openai } from "./wires.ts";

const WIRES: Readonly<Record<Wire, Provider>> = { openai, anthropic, gemini };

/** A row with the endpoints, usage, objects and errors of its wire; nothing leads to it but its name. */
export function customProvider(
  { id, origin, slot, wire }: CustomProvider,
): Provider {
  const { home: _, gateway: __, ...row } = WIRES[wire];
  return {
    ...row,
    id,
    origin,
    own: true,
    signs: NO_SIGNS,
    region: { ...NOWHERE, probe: row.region.probe },
    olderLimit: true,
    // Nobody knows which of them repeat a key; LiteLLM does, of one in another form.
    tells: [400, 401, 403],
    ...slot && { credentialFields: (key) => written(slot, key) },
    ...wire === "openai" && { canonical: versioned(origin, row.surface) },
  };
}

function written(slot: KeySlot, key: string) {
  return slot === "bearer" ? bearer(key) : [[slot, key] as const];
}
