/** Gateways that the kit starts by itself: ours on both runtimes, and what stands in their place. */

import { type Runtime, startDoppel } from "../test/subject.ts";
import type { Gateway } from "./case.ts";
import type { Origin } from "./origin.ts";

export interface Started {
  readonly name: string;
  readonly gateway: Gateway;
  stop(): Promise<unknown>;
}

/** The provider's key in all cases. */
export const KEY = "sk-fidelity-key-0123456789abcdef";
/** The holder's token in all cases. */
export const TOKEN = "fidelity-token-0123456789abcdef";

/** A doppel as its users start it, with metering on, in front of that origin. */
export async function startOurs(
  runtime: Runtime,
  origin: Origin,
): Promise<Started> {
  const doppel = await startDoppel({
    runtime,
    origin: origin.url,
    env: { OPENAI_API_KEY: KEY },
  });
  await doppel.mint({ token: TOKEN });
  return {
    name: `doppel on ${runtime === "deno" ? "Deno" : "Bun"}`,
    gateway: { url: doppel.url, prefix: "/openai", token: TOKEN, key: KEY },
    stop: () => doppel.stop(),
  };
}
