/**
 * `deno task prices`: takes the prices of the APIs that doppel may stand in
 * front of out of `@pydantic/genai-prices` and writes them as rows of doppel's
 * own into `prices/catalog.json`; a test holds the file to it.
 */

import {
  type ConditionalPrice,
  findProvider,
  type MatchLogic,
  type ModelInfo,
  type ModelPrice,
} from "@pydantic/genai-prices";
import { readFileSync, writeFileSync } from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";

/**
 * Provider ids here → there. OpenRouter is not among them: which of a model's
 * sellers answers, and so its price, is chosen by OpenRouter with each call, and
 * its 701 rows would double the tables. What a call cost, it says itself.
 */
export const PROVIDERS: Record<string, string> = {
  openai: "openai",
  anthropic: "anthropic",
  gemini: "google",
  cerebras: "cerebras",
  cohere: "cohere",
  deepseek: "deepseek",
  fireworks: "fireworks",
  groq: "groq",
  minimax: "minimax",
  mistral: "mistral",
  moonshot: "moonshotai",
  perplexity: "perplexity",
  together: "together",
  xai: "x-ai",
};

/** Units here → there; what is not named here makes a model's price unknown. */
const RATES: Record<string, string> = {
  input_mtok: "input",
  cache_read_mtok: "cacheRead",
  cache_write_mtok: "cacheWrite5m",
  cache_write_1h_mtok: "cacheWrite1h",
  input_audio_mtok: "inputAudio",
  input_image_mtok: "inputImage",
  input_video_mtok: "inputImage",
  cache_audio_read_mtok: "cacheReadAudio",
  cache_image_read_mtok: "cacheReadImage",
  output_mtok: "output",
  output_audio_mtok: "outputAudio",
  output_image_mtok: "outputImage",
  web_searches_kcount: "webSearches",
  audio_hours: "seconds",
  input_audio_hours: "seconds",
};

/** Searches of files are made by tools whose use nobody can bound; calls with a budget cannot name them. */
const IGNORED = ["storage_searches_kcount"];

/** They search or call tools by themselves, for a price that no usage shows. */
const OPAQUE = /search-preview|deep-research|compound|sonar/;

type CatalogRow = Record<string, string | number>;

/** The file's content. */
export function catalog(): string {
  const { version } = manifest("node_modules/@pydantic/genai-prices/");
  const providers = Object.entries(PROVIDERS).map(([id, theirs]) => {
    const { models } = findProvider({ providerId: theirs })!;
    // What Vertex sells of others is no part of the Gemini API.
    const own = models.filter((model) =>
      priced(model) && (HAVE_FREE.includes(id) || !free(model)) &&
      !(id === "gemini" && model.id.startsWith("claude"))
    );
    const rows = own.flatMap(rowsOf);
    const lines = rows.map((row) => `      ${JSON.stringify(row)}`);
    return `    "${id}": [\n${lines.join(",\n")}\n    ]`;
  });
  return `{
  "dated": "${DATED[version]}",
  "source": "https://github.com/pydantic/genai-prices, MIT, ${version}",
  "providers": {
${providers.join(",\n")}
  }
}
`;
}

/** When versions were released. */
const DATED: Record<string, string> = { "0.1.8": "2026-09-23" };

function manifest(folder: string): { version: string } {
  const url = new URL(`../${folder}package.json`, import.meta.url);
  return JSON.parse(readFileSync(url, "utf8"));
}

function priced({ id, prices }: ModelInfo): boolean {
  const all = Array.isArray(prices)
    ? prices.map((one) => one.prices)
    : [prices];
  const keys = all.flatMap((one) => Object.keys(one));
  return !OPAQUE.test(id) &&
    keys.every((key) => key in RATES || IGNORED.includes(key));
}

/** Whose models without a price cost nothing; those of others have one that nobody wrote down. */
const HAVE_FREE = ["openai", "gemini", "mistral"];

function free({ prices }: ModelInfo): boolean {
  return !Array.isArray(prices) && Object.keys(prices).length === 0;
}

/** The later price goes before the earlier, the one for long prompts before the other. */
function rowsOf(model: ModelInfo): CatalogRow[] {
  const models = globs(model.match).filter((one) => !OPAQUE.test(one)).join(
    " ",
  );
  const context = model.context_window;
  const prices: ConditionalPrice[] = Array.isArray(model.prices)
    ? model.prices.toReversed()
    : [{ prices: model.prices }];
  return prices.flatMap(({ constraint, prices }) =>
    thresholds(prices).map((over) => ({
      models,
      ...(constraint?.type === "start_date" &&
        { since: constraint.start_date }),
      ...(constraint?.type === "time_of_date" && {
        hours: `${constraint.start_time.slice(0, 5)}-${
          constraint.end_time.slice(0, 5)
        }`,
      }),
      ...(over > 0 && { over }),
      ...ratesAbove(over, prices),
      ...(context !== undefined && { context }),
    }))
  );
}

function thresholds(prices: ModelPrice): number[] {
  const starts = Object.values(prices).flatMap((price) =>
    typeof price === "object" ? price.tiers.map(({ start }) => start) : []
  );
  return [...new Set([...starts, 0])].sort((a, b) => b - a);
}

/** A model without any price is free. */
function ratesAbove(over: number, prices: ModelPrice): CatalogRow {
  const rates: Record<string, number> = {};
  for (const [key, price] of Object.entries(prices)) {
    const kind = RATES[key];
    if (kind === undefined || price === undefined) continue;
    const rate = typeof price === "number"
      ? price
      : price.tiers.findLast(({ start }) => start <= over)?.price ?? price.base;
    rates[kind] = Math.max(rates[kind] ?? 0, rate);
  }
  return Object.keys(prices).length === 0 ? { input: 0, output: 0 } : rates;
}

function globs(match: MatchLogic): string[] {
  if ("or" in match) return match.or.flatMap(globs);
  if ("and" in match) return match.and.flatMap(globs);
  if ("equals" in match) return [match.equals];
  if ("starts_with" in match) return [`${match.starts_with}*`];
  if ("ends_with" in match) return [`*${match.ends_with}`];
  if ("contains" in match) return [`*${match.contains}*`];
  const { regex } = match;
  if (regex === "^(?!.*-[tT][tT][sS](?:$|-))") return ["!*-tts", "!*-tts-*"];
  const plain = regex.replace(/^\^/, "").replace(/\$$/, "")
    .replaceAll("\\.", ".").replace(/\\d\{(\d)\}/g, (_, n) => "#".repeat(n))
    .replaceAll("\\d", "#") + (regex.endsWith("$") ? "" : "*");
  if (/[\\^$()[\]{}|+?]/.test(plain)) throw new Error(`unknown form: ${regex}`);
  return [plain];
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(new URL("../prices/catalog.json", import.meta.url), catalog());
}
