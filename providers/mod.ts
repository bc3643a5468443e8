/**
 * The provider table. To add an API that speaks OpenAI's wire, add a row to
 * `rows.ts`.
 *
 * Rows are asked in this order which of them a request without a prefix means;
 * OpenAI's has no signs and takes the rest, those behind it want their name
 * (design §4, measured in `research/sdks.md` §2.2).
 *
 * @module
 */

import type { Provider } from "../core/provider.ts";
import { openaiEnvelope } from "./envelope.ts";
import { LOCAL_ROWS } from "./local.ts";
import { COMPATIBLE } from "./rows.ts";
import { anthropic, gemini, openai } from "./wires.ts";

/** Every API doppel can stand in front of. */
export const PROVIDERS: readonly Provider[] = [
  gemini,
  anthropic,
  openai,
  ...COMPATIBLE,
  ...LOCAL_ROWS,
];

/** The wire of a caller nobody has recognised yet. */
export const UNKNOWN_WIRE = openaiEnvelope;
