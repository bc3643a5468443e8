/**
 * What each row that speaks OpenAI's wire must do, written down apart from the
 * table: where its paths lie, and all of the endpoints it has.
 */

import type { EndpointClass } from "../core/provider.ts";

/** One row's fixture. */
export interface RowFixture {
  /** Before every path, unless `paths` says otherwise. */
  readonly at: string;
  /** Whose own address `X-Host-Final` may name. */
  readonly host: string;
  /** `METHOD /path` by class, with ids filled in; chats and models are not repeated. */
  readonly has?: Readonly<Partial<Record<EndpointClass, readonly string[]>>>;
  /** Paths that are called otherwise, or lie elsewhere: the whole URL. */
  readonly paths?: Readonly<Record<string, string>>;
  /** Base URL → path, as this API's own clients write them, and where that must go. */
  readonly clients?: Readonly<Record<string, string>>;
}

const ANTHROPIC = ["POST /anthropic/v1/messages"];
const MESSAGES = ["POST /v1/messages", "POST /v1/messages/count_tokens"];
const STORED = ["GET /v1/responses/resp_1", "DELETE /v1/responses/resp_1"];
const HEARING = [
  "POST /v1/audio/transcriptions",
  "POST /v1/audio/translations",
];
const SPEECH = "POST /v1/audio/speech";
const EMBEDDINGS = ["POST /v1/embeddings"];
const IMAGES = ["POST /v1/images/generations", "POST /v1/images/edits"];
const FILES = [
  "GET /v1/files",
  "POST /v1/files",
  "GET /v1/files/f-1",
  "DELETE /v1/files/f-1",
  "GET /v1/files/f-1/content",
  // An id like any other, where it is not Together's way to upload.
  "GET /v1/files/upload",
  "DELETE /v1/files/upload",
];
const BATCHES = [
  "GET /v1/batches",
  "POST /v1/batches",
  "GET /v1/batches/b-1",
  "POST /v1/batches/b-1/cancel",
];

/** By id. */
export const ROW_FIXTURES: Readonly<Record<string, RowFixture>> = {
  cerebras: {
    at: "https://api.cerebras.ai",
    host: "api.cerebras.ai",
    has: { inference: ["POST /v1/completions"] },
  },
  cohere: {
    at: "https://api.cohere.ai/compatibility",
    host: "api.cohere.ai",
    has: {
      inference: [
        "POST /v2/chat",
        "POST /v2/rerank",
        "POST /v1/tokenize",
        "POST /v1/detokenize",
      ],
      embeddings: [...EMBEDDINGS, "POST /v2/embed"],
    },
    paths: {
      "/v2/chat": "https://api.cohere.ai/v2/chat",
      "/v2/rerank": "https://api.cohere.ai/v2/rerank",
      "/v2/embed": "https://api.cohere.ai/v2/embed",
      "/v1/tokenize": "https://api.cohere.ai/v1/tokenize",
      "/v1/detokenize": "https://api.cohere.ai/v1/detokenize",
    },
    clients: {
      "/cohere/compatibility/v1/chat/completions":
        "https://api.cohere.ai/compatibility/v1/chat/completions",
      // cohere-ai
      "/cohere/v2/chat": "https://api.cohere.ai/v2/chat",
    },
  },
  deepseek: {
    at: "https://api.deepseek.com",
    host: "api.deepseek.com",
    has: { inference: ANTHROPIC },
    clients: {
      "/deepseek/chat/completions":
        "https://api.deepseek.com/v1/chat/completions",
      // Claude Code, with ANTHROPIC_BASE_URL=B/deepseek/anthropic
      "/deepseek/anthropic/v1/messages":
        "https://api.deepseek.com/anthropic/v1/messages",
    },
  },
  fireworks: {
    at: "https://api.fireworks.ai/inference",
    host: "api.fireworks.ai",
    has: {
      inference: [
        "POST /v1/completions",
        "POST /v1/responses",
        "POST /v1/rerank",
        ...MESSAGES,
      ],
      stored: STORED,
      embeddings: EMBEDDINGS,
    },
    clients: {
      "/fireworks/inference/v1/chat/completions":
        "https://api.fireworks.ai/inference/v1/chat/completions",
    },
  },
  groq: {
    at: "https://api.groq.com/openai",
    host: "api.groq.com",
    has: {
      inference: ["POST /v1/responses"],
      embeddings: EMBEDDINGS,
      audio: [SPEECH, ...HEARING],
      files: FILES,
      batches: BATCHES,
    },
    clients: {
      // groq-sdk with B/groq, and with B/groq/v1
      "/groq/openai/v1/chat/completions":
        "https://api.groq.com/openai/v1/chat/completions",
      "/groq/v1/openai/v1/chat/completions":
        "https://api.groq.com/openai/v1/chat/completions",
      "/proxy/groq/openai/v1/chat/completions":
        "https://api.groq.com/openai/v1/chat/completions",
    },
  },
  minimax: {
    at: "https://api.minimax.io",
    host: "api.minimax.io",
    has: { inference: ANTHROPIC },
  },
  mistral: {
    at: "https://api.mistral.ai",
    host: "api.mistral.ai",
    has: {
      inference: [
        "POST /v1/fim/completions",
        "POST /v1/moderations",
        "POST /v1/chat/moderations",
        "POST /v1/classifications",
        "POST /v1/chat/classifications",
        "POST /v1/ocr",
      ],
      embeddings: EMBEDDINGS,
      audio: [SPEECH, HEARING[0]!],
      files: FILES,
      batches: [
        "GET /v1/batch/jobs",
        "POST /v1/batch/jobs",
        "GET /v1/batch/jobs/b-1",
        "POST /v1/batch/jobs/b-1/cancel",
      ],
    },
    clients: {
      // @mistralai/mistralai with B/mistral, and with B/mistral/v1
      "/mistral/v1/chat/completions":
        "https://api.mistral.ai/v1/chat/completions",
      "/mistral/v1/v1/chat/completions":
        "https://api.mistral.ai/v1/chat/completions",
    },
  },
  moonshot: {
    at: "https://api.moonshot.ai",
    host: "api.moonshot.ai",
    has: {
      inference: [...ANTHROPIC, "POST /v1/tokenizers/estimate-token-count"],
      files: FILES,
    },
  },
  morph: {
    at: "https://api.morphllm.com",
    host: "api.morphllm.com",
    has: { inference: ["POST /v1/rerank"], embeddings: EMBEDDINGS },
  },
  openrouter: {
    at: "https://openrouter.ai/api",
    host: "openrouter.ai",
    has: {
      inference: [
        "POST /v1/completions",
        "POST /v1/responses",
        "POST /v1/rerank",
        ...MESSAGES,
      ],
      embeddings: EMBEDDINGS,
      audio: [SPEECH, HEARING[0]!],
    },
    clients: {
      "/openrouter/api/v1/chat/completions":
        "https://openrouter.ai/api/v1/chat/completions",
    },
  },
  perplexity: {
    at: "https://api.perplexity.ai",
    host: "api.perplexity.ai",
    has: {
      inference: ["POST /v1/sonar", "POST /v1/responses", "POST /search"],
      embeddings: EMBEDDINGS,
    },
    paths: {
      "/v1/chat/completions": "https://api.perplexity.ai/chat/completions",
    },
    clients: {
      "/perplexity/chat/completions":
        "https://api.perplexity.ai/chat/completions",
      "/perplexity/v1/search": "https://api.perplexity.ai/search",
    },
  },
  sambanova: {
    at: "https://api.sambanova.ai",
    host: "api.sambanova.ai",
    has: { embeddings: EMBEDDINGS, audio: HEARING },
  },
  together: {
    at: "https://api.together.xyz",
    host: "api.together.xyz",
    has: {
      inference: ["POST /v1/completions", "POST /v1/rerank"],
      embeddings: EMBEDDINGS,
      images: IMAGES,
      audio: [SPEECH, ...HEARING],
      files: [...FILES, "POST /v1/files/upload"],
      batches: BATCHES,
    },
    clients: {
      // together-ai leaves the version to its base URL
      "/together/images/generations":
        "https://api.together.xyz/v1/images/generations",
    },
  },
  xai: {
    at: "https://api.x.ai",
    host: "api.x.ai",
    has: {
      inference: ["POST /v1/responses"],
      stored: STORED,
      images: IMAGES,
      models: [
        "GET /v1/language-models",
        "GET /v1/image-generation-models/m",
        "GET /v1/video-generation-models",
      ],
    },
  },
  ollama: {
    at: "http://127.0.0.1:11434",
    host: "127.0.0.1:11434",
    has: {
      inference: ["POST /v1/completions", "POST /v1/responses", ...MESSAGES],
      embeddings: EMBEDDINGS,
    },
  },
  vllm: {
    at: "http://127.0.0.1:8000",
    host: "127.0.0.1:8000",
    has: {
      inference: [
        "POST /v1/completions",
        "POST /v1/responses",
        "POST /v1/rerank",
        ...MESSAGES,
      ],
      stored: STORED,
      embeddings: EMBEDDINGS,
      audio: HEARING,
    },
  },
  lmstudio: {
    at: "http://127.0.0.1:1234",
    host: "127.0.0.1:1234",
    has: {
      inference: ["POST /v1/completions", "POST /v1/responses", ...MESSAGES],
      stored: STORED,
      embeddings: EMBEDDINGS,
    },
  },
};

/** What every one of them has. */
const SHARED = {
  inference: ["POST /v1/chat/completions"],
  models: ["GET /v1/models", "GET /v1/models/org%2Fm-1"],
} as const;

/** Class by `METHOD /path`, all of a row. */
export function listedBy({ has = {} }: RowFixture): Map<string, EndpointClass> {
  const listed = new Map<string, EndpointClass>();
  for (const classes of [SHARED, has]) {
    for (const [name, lines] of Object.entries(classes)) {
      for (const line of lines) listed.set(line, name as EndpointClass);
    }
  }
  return listed;
}
