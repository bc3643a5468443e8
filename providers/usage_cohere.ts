/**
 * How Cohere's own API says what an answer has used
 * (https://docs.cohere.com/v2/reference/chat, read 2026-11-27): `usage` of a
 * chat and of its last event, `meta` of everything else. The model is not named.
 *
 * @module
 */

import type { Dialect } from "../core/meter.ts";
import { usageOf } from "../core/usage.ts";
import { first, part } from "./counts.ts";

const TEXT = { text: "text" } as const;

/** Chats, vectors, orders of documents. */
export const COHERE: Dialect = {
  shape: {
    type: "type",
    usage: "usage",
    meta: "usage",
    message: { content: { "*": TEXT } },
    delta: { usage: "usage", message: { content: TEXT } },
  },
  read(counts) {
    const told = { ...part(counts, "tokens"), ...part(counts, "billed_units") };
    return [{
      usage: usageOf({
        input: first(told, "input_tokens"),
        output: first(told, "output_tokens"),
      }),
    }];
  },
};
