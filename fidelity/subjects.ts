/** Gateways that the kit starts by itself: ours on both runtimes, and what stands in their place. */

import { startRival } from "../bench/rival.ts";
import { keepSecret } from "../test/evidence.ts";
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
  for (const secret of [KEY, TOKEN]) keepSecret(secret);
  await doppel.mint({ token: TOKEN });
  return {
    name: `doppel on ${runtime === "deno" ? "Deno" : "Bun"}`,
    gateway: {
      url: doppel.url,
      prefix: "/openai",
      token: TOKEN,
      key: KEY,
      own: "x-doppel-",
    },
    stop: () => doppel.stop(),
  };
}

/** Fields that SDKs send: on the routes it knows it hands on those only that it is told by name. */
const FORWARDED = [
  "accept",
  "user-agent",
  "anthropic-version",
  "anthropic-beta",
  "openai-beta",
  "x-goog-api-client",
  "idempotency-key",
  "traceparent",
  "tracestate",
  "x-request-id",
  "x-stainless-arch",
  "x-stainless-lang",
  "x-stainless-os",
  "x-stainless-package-version",
  "x-stainless-retry-count",
  "x-stainless-runtime",
  "x-stainless-runtime-version",
  "x-stainless-timeout",
];

/** What a user would run instead, told by its own header fields where to go; it takes the provider's key itself. */
export async function startTheirs(origin: Origin): Promise<Started> {
  const rival = await startRival();
  const told = {
    ...rival.headers(origin.url),
    "x-portkey-forward-headers": FORWARDED.join(),
  };
  const fields = Object.entries(told).map(
    ([name, value]) => `${name}: ${value}`,
  );
  return {
    name: `@portkey-ai/gateway ${rival.version}`,
    gateway: {
      url: rival.url,
      token: KEY,
      key: KEY,
      fields,
      own: "x-portkey-",
    },
    stop: rival.stop,
  };
}
