/**
 * Coding tools, as far as an API sees them: how each reads its configuration,
 * and what it then sends, as seen of Codex 0.171.0, Claude Code 2.1.332,
 * opencode 1.18.33 and Gemini CLI 0.61.0 themselves in November 2026. Where a
 * tool is made with an SDK, so is its likeness.
 */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import process from "node:process";
import { createAnthropic } from "@ai-sdk/anthropic";
import { createGoogle } from "@ai-sdk/google";
import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { Anthropic } from "@anthropic-ai/sdk-0";
import { GoogleGenAI } from "@google/genai-2";
import { WebSocket } from "ws";
import { type Ai, stream } from "./ai_laws.ts";
import { collect } from "./check.ts";
import type { Value } from "./readme.ts";
import { CALL } from "./shape.ts";

/** Where a tool runs. */
export interface Machine {
  readonly env: Readonly<Record<string, string>>;
  /** What `codex login --with-api-key` was told. */
  readonly login: string;
  /** The one place it may call. */
  readonly doppel: string;
}

/** As large as a tool's own instructions. */
const INSTRUCTIONS = "You are a coding agent. ".repeat(1700);

/** A base URL, once it is sure to lead nowhere else. */
function safe(base: string, { doppel }: Machine): string {
  assert.ok(`${base}/`.startsWith(`${doppel}/`), `${base} is not doppel`);
  return base;
}

/** One turn of Codex: on a socket where the provider takes them, or else in HTTP. */
export function codex(
  config: Value,
  machine: Machine,
  { model, provider }: { model: string; provider?: string },
): Promise<string> {
  const { base_url, env_key, wire_api = "responses", supports_websockets } =
    provider === undefined
      ? {
        base_url: config.openai_base_url ?? "https://api.openai.com/v1",
        supports_websockets: true,
      } as Value
      : config.model_providers[provider];
  assert.equal(wire_api, "responses");
  const token = env_key === undefined ? machine.login : machine.env[env_key];
  const asked: CodexAsked = {
    url: `${safe(base_url, machine)}/responses`,
    fields: { ...CODEX_FIELDS, authorization: `Bearer ${token}` },
    body: {
      model,
      stream: true,
      input: [
        message("developer", INSTRUCTIONS),
        message("user", "Say hi"),
      ],
      tool_choice: "auto",
      parallel_tool_calls: false,
      reasoning: { effort: "low" },
      store: false,
      include: ["reasoning.encrypted_content"],
      prompt_cache_key: CODEX_FIELDS["session-id"],
    },
  };
  return supports_websockets ? onSocket(asked) : inHttp(asked);
}

interface CodexAsked {
  readonly url: string;
  readonly fields: Readonly<Record<string, string>>;
  readonly body: Readonly<Record<string, unknown>>;
}

const CODEX_FIELDS = {
  "originator": "codex_exec",
  "session-id": "01a21fc9-cc33-7073-b054-113775e44397",
  "thread-id": "01a21fc9-cc33-7073-b054-113775e44397",
  "user-agent": "codex_exec/0.171.0 (Debian 12.0.0; x86_64) xterm",
  "x-client-request-id": "01a21fc9-cc33-7073-b054-113775e44397",
  "x-codex-beta-features": "remote_compaction_v2",
  "x-codex-turn-metadata": '{"session_id":"01a21fc9","sandbox":"seccomp"}',
};

function message(role: string, text: string) {
  return {
    type: "message",
    role,
    content: [{ type: "input_text", text }],
  };
}

async function inHttp({ url, fields, body }: CodexAsked): Promise<string> {
  const answer = await fetch(url, {
    method: "POST",
    headers: {
      ...fields,
      "accept": "text/event-stream",
      "content-type": "application/json",
    },
    body: JSON.stringify(body),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`unexpected status ${answer.status} ${text}`);
  const events = text.matchAll(/^data: (.+)$/gm);
  return deltas([...events].map(([, data]) => JSON.parse(data!)));
}

/** Warms the session up, then asks; a 426 sends it on to HTTP at once. */
function onSocket(asked: CodexAsked): Promise<string> {
  const { url, fields, body } = asked;
  const beta = { "openai-beta": "responses_websockets=2026-02-06" };
  const socket = new WebSocket(url.replace(/^http/, "ws"), {
    headers: { ...fields, ...beta, version: "0.171.0" },
  });
  const create = (more: Record<string, unknown>) =>
    socket.send(JSON.stringify({ type: "response.create", ...body, ...more }));
  return new Promise((resolve, reject) => {
    const turns: Value[][] = [[]];
    socket.on("open", () => create({ input: [], generate: false }));
    socket.on("message", (data: unknown) => {
      const event = JSON.parse(`${data}`);
      turns.at(-1)!.push(event);
      if (event.type !== "response.completed") return;
      if (turns.length === 1) {
        turns.push([]);
        return create({});
      }
      socket.terminate();
      resolve(deltas(turns[1]!));
    });
    socket.on("unexpected-response", async (_: unknown, answer: Value) => {
      const said = Buffer.concat(await Array.fromAsync(answer));
      if (answer.statusCode === 426) return resolve(inHttp(asked));
      reject(new Error(`unexpected status ${answer.statusCode} ${said}`));
    });
    socket.on("error", reject);
  });
}

function deltas(events: readonly Value[]): string {
  return events.filter(({ type }) => type === "response.output_text.delta")
    .map(({ delta }) => delta).join("");
}

/** A greeting, a turn with a tool, and what it asks beside: what Claude Code does when it starts. */
export async function claudeCode(
  settings: Value,
  machine: Machine,
): Promise<string> {
  const env = { ...machine.env, ...settings.env };
  const base = env.ANTHROPIC_BASE_URL ?? "https://api.anthropic.com";
  // Its words come in both slots.
  const helped = settings.apiKeyHelper && said(settings.apiKeyHelper, env);
  const client = new Anthropic({
    baseURL: safe(base, machine),
    apiKey: helped ?? env.ANTHROPIC_API_KEY ?? null,
    authToken: helped ?? env.ANTHROPIC_AUTH_TOKEN ?? null,
    dangerouslyAllowBrowser: true,
    defaultHeaders: {
      "user-agent": "claude-cli/2.1.332 (external, sdk-cli)",
      "x-app": "cli",
      "x-claude-code-session-id": "abbe6629-f5e4-4cfa-9b59-d14bb592ffcf",
    },
  });
  // Without a token, and whatever the answer.
  await (await fetch(`${base}/api/hello`, { method: "HEAD" })).text();
  const asked = {
    model: env.ANTHROPIC_MODEL ?? "claude-opus-5-5",
    max_tokens: 32_000,
    system: [{ type: "text" as const, text: INSTRUCTIONS }],
    tools: [{ name: CALL.name, input_schema: { type: "object" as const } }],
    betas: CLAUDE_BETAS,
  };
  const begun = { role: "user" as const, content: "Say hi" };
  const { content } = await client.beta.messages
    .stream({ ...asked, messages: [begun] }).finalMessage();
  const result = { type: "tool_result", tool_use_id: CALL.id } as const;
  const { content: [block] } = await client.beta.messages.stream({
    ...asked,
    messages: [
      begun,
      { role: "assistant", content },
      { role: "user", content: [{ ...result, content: "warm" }] },
    ],
  }).finalMessage();
  return block?.type === "text" ? block.text : "";
}

const CLAUDE_BETAS = [
  "claude-code-20250219",
  "interleaved-thinking-2025-05-14",
  "context-management-2025-06-27",
  "per-turn-control-2026-07-01",
  "mid-conversation-tool-changes-2026-07-01",
  "thinking-token-count-2026-05-13",
  "advanced-tool-use-2025-11-20",
  "effort-2025-11-24",
];

function said(command: string, env: Record<string, string>): string {
  const { PATH = "" } = process.env;
  const options = { env: { PATH, ...env }, encoding: "utf8" } as const;
  return execFileSync("sh", ["-c", command], options).trim();
}

/** What opencode loads for the providers it knows. */
const KNOWN: Readonly<Record<string, string>> = {
  openai: "@ai-sdk/openai",
  anthropic: "@ai-sdk/anthropic",
  google: "@ai-sdk/google",
};

interface AiOptions {
  readonly name: string;
  readonly baseURL: string;
  readonly apiKey: string;
  readonly headers: Readonly<Record<string, string>>;
}

const PACKAGES: Readonly<Record<string, (options: AiOptions) => Ai>> = {
  "@ai-sdk/openai": createOpenAI,
  "@ai-sdk/anthropic": createAnthropic,
  "@ai-sdk/google": createGoogle,
  "@ai-sdk/openai-compatible": createOpenAICompatible,
};

/** One turn of opencode. */
export async function opencode(
  config: Value,
  machine: Machine,
  { model, provider }: { model: string; provider: string },
): Promise<string> {
  const { npm, options, models } = config.provider[provider];
  assert.ok(provider in KNOWN || model in models, `${model} is not listed`);
  const ai = PACKAGES[npm ?? KNOWN[provider]]!({
    name: provider,
    baseURL: safe(options.baseURL ?? "the provider's own", machine),
    apiKey: options.apiKey.replace(
      /\{env:(\w+)\}/g,
      (_: string, name: string) => machine.env[name] ?? "",
    ),
    headers: {
      "x-session-affinity": "ses_de0346378ffeCTilsBxF5W5V0q",
      "x-session-id": "ses_de0346378ffeCTilsBxF5W5V0q",
    },
  });
  return (await collect(stream(ai, model))).join("");
}

/** What Gemini CLI asks: how hard the question is, how long, and the question. */
export async function geminiCli(
  settings: Value,
  machine: Machine,
): Promise<string> {
  const { env } = machine;
  const { selectedType } = settings.security.auth;
  assert.equal(selectedType, "gemini-api-key", "it would ask to sign in");
  const apiKey = env.GEMINI_API_KEY ?? "";
  const bearer = env.GEMINI_API_KEY_AUTH_MECHANISM === "bearer";
  const { models } = new GoogleGenAI({
    apiKey,
    httpOptions: {
      baseUrl: safe(env.GOOGLE_GEMINI_BASE_URL ?? "Google's own", machine),
      headers: {
        "user-agent": "GeminiCLI-tui/0.61.0/gemini-2.5-flash (linux; x64)",
        "x-gemini-api-privileged-user-id":
          "667381fd-cec7-40a8-a65a-ee2edbfa1da5",
        ...bearer && { authorization: `Bearer ${apiKey}` },
      },
    },
  });
  const asked = { model: "gemini-2.5-flash", contents: "Say hi" };
  await models.generateContent({ ...asked, model: "gemini-3.5-flash-lite" });
  await models.countTokens(asked);
  const config = { systemInstruction: INSTRUCTIONS };
  const chunks = await models.generateContentStream({ ...asked, config });
  return (await collect(chunks)).map(({ text }) => text).join("");
}
