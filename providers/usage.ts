/**
 * How the answers of each API's endpoints are metered, as `METHOD /path` (lower
 * case, no slash at the end); the first row that fits counts. What fits none is
 * unknown, and its usage is called estimated.
 *
 * Free is what costs nothing, and what only shows again what has been counted.
 * What is charged later, unseen here, is not free: no budget lets it through.
 *
 * @module
 */

import {
  guessFilms,
  guessHearing,
  guessPictures,
  guessSpeech,
} from "../core/estimate.ts";
import type { Dialect, MeteringRow } from "../core/meter.ts";
import { ANTHROPIC, ANTHROPIC_RESULTS } from "./usage_anthropic.ts";
import { GEMINI, GEMINI_RESULTS } from "./usage_gemini.ts";
import {
  OPENAI,
  OPENAI_AUDIO,
  OPENAI_BATCH,
  OPENAI_IMAGES,
  OPENAI_REALTIME,
  OPENAI_RESULTS,
} from "./usage_openai.ts";

/** Where APIs that speak OpenAI's wire differ. */
interface Accent {
  /** OpenAI's own where absent. */
  readonly dialect?: Dialect;
  /** Chat streams tell their usage only to who asks for it. */
  readonly asks?: boolean;
}

/** The rows of OpenAI's wire below `base`. */
function openaiRows(
  base: string,
  { dialect = OPENAI, asks = true }: Accent = {},
): readonly MeteringRow[] {
  const at = (pattern: string) => new RegExp(pattern.replaceAll("V", base));
  const pictures = { pictures: true, guess: guessPictures } as const;
  return [
    [
      { dialect, ...asks && { asks: true } },
      at("^POST V/(?:chat/|fim/)?completions$"),
    ],
    [{ dialect }, at("^POST V/embeddings$")],
    // A socket asks for responses with GET and an upgrade.
    [{ dialect, each: true }, at("^GET V/responses$")],
    [
      { dialect, once: "named", background: "made" },
      at("^POST V/responses$"),
    ],
    [{ dialect }, at("^POST V/responses/compact$")],
    [
      {
        dialect,
        once: /\/responses\/([^/]+)/,
        background: "shown",
      },
      at("^(?:GET V/responses/[^/]+|POST V/responses/[^/]+/cancel)$"),
    ],
    [
      { dialect: OPENAI_IMAGES, ...pictures },
      at("^POST V/images/(?:generations|edits|variations)$"),
    ],
    [
      { dialect: OPENAI_AUDIO, guess: guessSpeech },
      at("^POST V/audio/speech$"),
    ],
    [
      { dialect: OPENAI_AUDIO, guess: guessHearing },
      at("^POST V/audio/(?:transcriptions|translations)$"),
    ],
    [{ dialect: OPENAI_REALTIME, each: true }, at("^GET V/realtime$")],
    [
      { dialect: OPENAI_BATCH, tier: "batch", once: "named" },
      at("^(?:POST V/batches|GET V/batches/[^/]+)$"),
    ],
    [
      {
        dialect: OPENAI_RESULTS,
        each: true,
        tier: "batch",
        once: /\/files\/([^/]+)\/content$/,
      },
      at("^GET V/files/[^/]+/content$"),
    ],
    ...openaiFree(at),
  ];
}

function openaiFree(at: (pattern: string) => RegExp): readonly MeteringRow[] {
  return [
    ["free", at("^POST V/responses/input_tokens$")],
    ["free", at("^POST V/batches/[^/]+/cancel$")],
    [
      "free",
      at("^POST V/realtime/(?:client_secrets|(?:transcription_)?sessions)$"),
    ],
    ["free", at("^\\w+ V/(?:models|files|uploads)\\b")],
    ["free", at("^(?:GET|DELETE) V/(?!realtime|live)")],
    ["free", at("^POST V/chat/completions/[^/]+$")],
    ["free", at("^POST V/conversations\\b")],
  ];
}

/** https://platform.openai.com/docs/api-reference (read 2026-11). */
export const OPENAI_USAGE: readonly MeteringRow[] = [
  ...openaiRows("/v1"),
  ["free", /^POST \/v1\/moderations$/],
  [{ dialect: OPENAI, guess: guessFilms(4) }, /^POST \/v1\/videos$/],
];

/** Of APIs that speak OpenAI's wire, and some of them Anthropic's beside it. */
export function compatibleUsage(accent: Accent = {}): readonly MeteringRow[] {
  return [
    [{ dialect: ANTHROPIC }, /^POST (?:\/anthropic)?\/v1\/messages$/],
    [
      "free",
      /^POST (?:(?:\/anthropic)?\/v1\/messages\/count_tokens|\/v1\/tokenizers\/.*)$/,
    ],
    ["later", /^POST \/v1\/batch\/jobs$/],
    ...openaiRows("/v1", { asks: false, ...accent }),
  ];
}

/** https://docs.anthropic.com/en/api (read 2026-11). */
export const ANTHROPIC_USAGE: readonly MeteringRow[] = [
  [{ dialect: ANTHROPIC }, /^POST \/v1\/(?:messages|complete)$/],
  [{ dialect: OPENAI, asks: true }, /^POST \/v1\/chat\/completions$/],
  [
    {
      dialect: ANTHROPIC_RESULTS,
      each: true,
      tier: "batch",
      once: /\/batches\/([^/]+)\/results$/,
    },
    /^GET \/v1\/messages\/batches\/[^/]+\/results$/,
  ],
  ["later", /^POST \/v1\/messages\/batches$/],
  ["free", /^POST \/v1\/messages\/(?:count_tokens|batches\/[^/]+\/cancel)$/],
  ["free", /^POST \/v1\/files$/],
  ["free", /^(?:GET|DELETE) \/v1\/(?:messages|models|files)\b/],
  ["free", /^\w+ \/api\/hello$/],
];

const V = "/v1(?:alpha|beta\\d?)?";

/** https://ai.google.dev/api (read 2026-11). */
export const GEMINI_USAGE: readonly MeteringRow[] = [
  ...openaiRows(`${V}/openai`),
  ["free", new RegExp(`^POST ${V}/openai/moderations$`)],
  [
    { dialect: GEMINI },
    /^POST [^?]+:(?:generatecontent|generateanswer|embedcontent|batchembedcontents)$/,
  ],
  [{ dialect: GEMINI, pieces: true }, /^POST [^?]+:streamgeneratecontent$/],
  [
    { dialect: GEMINI, pictures: true, guess: guessPictures },
    /^POST [^?]+:predict$/,
  ],
  [
    { dialect: GEMINI, guess: guessFilms(8) },
    /^POST [^?]+:predictlongrunning$/,
  ],
  [{ dialect: GEMINI, each: true }, /^GET \/ws\//],
  [
    { dialect: GEMINI, once: "named" },
    new RegExp(`^POST ${V}/interactions$`),
  ],
  [
    { dialect: GEMINI, once: /\/interactions\/([^/]+)$/ },
    new RegExp(`^GET ${V}/interactions/[^/]+$`),
  ],
  [
    {
      dialect: GEMINI_RESULTS,
      each: true,
      tier: "batch",
      once: /\/((?:batches|files)\/[^/:]+)(?::download)?$/,
    },
    new RegExp(
      `^GET (?:/download)?${V}/(?:batches/[^/]+|files/[^/]+:download)$`,
    ),
  ],
  ["later", /^POST [^?]+:(?:batchgeneratecontent|asyncbatchembedcontent)$/],
  ["free", /^POST [^?]+:(?:counttokens|computetokens|cancel)$/],
  ["free", new RegExp(`^\\w+ (?:/upload)?${V}/files\\b`)],
  ["free", new RegExp(`^POST ${V}/auth_?tokens$`)],
  ["free", new RegExp(`^(?:GET|DELETE|PATCH) (?:/download)?${V}/`)],
];
