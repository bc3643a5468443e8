/**
 * Programs that serve models of the owner's own, and speak OpenAI's wire: rows
 * that are there where he says so. All pages read 2026-11-27.
 *
 * @module
 */

import type { Provider } from "../core/provider.ts";
import { compatible } from "./compatible.ts";
import { LISTS } from "./models.ts";
import { compatibleUsage } from "./usage.ts";

const LOCAL = ["completions", "responses", "messages", "embeddings"] as const;

// https://docs.ollama.com/api/openai-compatibility
const ollama = compatible({
  id: "ollama",
  origin: "http://127.0.0.1:11434",
  own: true,
  has: LOCAL,
  usage: compatibleUsage({ asks: true }),
  olderLimit: true,
});

// https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html
const vllm = compatible({
  id: "vllm",
  origin: "http://127.0.0.1:8000",
  own: true,
  has: [...LOCAL, "stored", "rerank", "transcriptions", "translations"],
  models: LISTS.vllm,
  usage: compatibleUsage({ asks: true }),
});

// https://lmstudio.ai/docs/developer/openai-compat
const lmstudio = compatible({
  id: "lmstudio",
  origin: "http://127.0.0.1:1234",
  own: true,
  has: [...LOCAL, "stored"],
  models: LISTS.lmstudio,
  usage: compatibleUsage({ asks: true }),
  olderLimit: true,
});

/** The rows. */
export const LOCAL_ROWS: readonly Provider[] = [ollama, vllm, lmstudio];
