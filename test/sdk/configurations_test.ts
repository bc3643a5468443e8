/** The README's configurations of coding tools lead them to doppel, and through it to the API that is meant. */

import assert from "node:assert/strict";
import { RUNTIMES } from "../subject.ts";
import { rejection, sent, within } from "./check.ts";
import { filesOf, type Value } from "./readme.ts";
import { TEXT } from "./shape.ts";
import { linesDuring, onStage, type Stage } from "./stage.ts";
import {
  claudeCode,
  codex,
  geminiCli,
  type Machine,
  opencode,
} from "./tools.ts";

interface Use {
  /** The README's files it has. */
  readonly files: readonly string[];
  /** Does a turn, and gives the words that came. */
  turn(machine: Machine, ...files: Value[]): Promise<string>;
  /** What reaches which API; that its key comes in its slot, and no token, is the stand-in's law. */
  readonly reaches: readonly string[];
}

const CODEX = "~/.codex/config.toml";
const CLAUDE = "~/.claude/settings.json";
const OPENCODE = "~/.config/opencode/opencode.json";
const GEMINI = ["~/.gemini/settings.json", "~/.gemini/.env"];

const MESSAGES = "POST /v1/messages?beta=true";

const viaOpencode = (
  provider: string,
  model: string,
  reaches: string,
): Use => ({
  files: [OPENCODE],
  turn: (machine, config) => opencode(config, machine, { provider, model }),
  reaches: [reaches],
});

const USES: Readonly<Record<string, Use>> = {
  "Codex": {
    files: [CODEX],
    turn: (machine, config) => codex(config, machine, { model: "gpt-6.2-sol" }),
    reaches: ["openai GET /v1/responses"],
  },
  "Codex with another provider": {
    files: [CODEX],
    turn: (machine, config) =>
      codex(config, machine, { model: "grok-4", provider: "xai" }),
    reaches: ["xai POST /v1/responses"],
  },
  "Claude Code": {
    files: [CLAUDE],
    turn: (machine, settings) => claudeCode(settings, machine),
    reaches: [`anthropic ${MESSAGES}`, `anthropic ${MESSAGES}`],
  },
  "Claude Code with another provider": {
    files: [`${CLAUDE} for DeepSeek`],
    async turn(machine, settings) {
      const text = await claudeCode(settings, machine);
      const { headers } = sent.at(-1)!;
      const token = headers.get("x-api-key");
      assert.equal(headers.get("authorization"), `Bearer ${token}`);
      return text;
    },
    reaches: [
      "deepseek POST /anthropic/v1/messages?beta=true",
      "deepseek POST /anthropic/v1/messages?beta=true",
    ],
  },
  "opencode with OpenAI": viaOpencode(
    "openai",
    "gpt-5",
    "openai POST /v1/responses",
  ),
  "opencode with Anthropic": viaOpencode(
    "anthropic",
    "claude-sonnet-4-5",
    "anthropic POST /v1/messages",
  ),
  "opencode with Google": viaOpencode(
    "google",
    "gemini-2.5-flash",
    "gemini POST /v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse",
  ),
  "opencode with another provider": viaOpencode(
    "doppel-groq",
    "llama-3.3-70b-versatile",
    "groq POST /openai/v1/chat/completions",
  ),
  "Gemini CLI": {
    files: GEMINI,
    turn: (machine, settings, env) =>
      geminiCli(settings, { ...machine, env: { ...machine.env, ...env } }),
    reaches: [
      "gemini POST /v1beta/models/gemini-3.5-flash-lite:generateContent",
      "gemini POST /v1beta/models/gemini-2.5-flash:countTokens",
      "gemini POST /v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse",
    ],
  },
};

/** The README's files on a machine whose holder has `token`. */
function install({ doppel }: Stage, token: string) {
  const machine: Machine = {
    env: { DOPPEL_TOKEN: token },
    login: token,
    doppel: doppel.url,
  };
  const files = filesOf("Coding tools", { B: doppel.url, T: token });
  return { machine, files };
}

Deno.test("every configuration in the README is used here", () => {
  const files = filesOf("Coding tools", { B: "http://doppel", T: "token" });
  const used = Object.values(USES).flatMap(({ files }) => files);
  assert.deepEqual(Object.keys(files).sort(), [...new Set(used)].sort());
});

for (const runtime of RUNTIMES) {
  Deno.test(`coding tools work as the README configures them, on ${runtime}`, (t) =>
    onStage(runtime, async (stage) => {
      const { origin, doppel } = stage;
      const token = await doppel.mint({ providers: Object.keys(origin.urls) });
      const { machine, files } = install(stage, token);
      for (
        const [name, { files: names, turn, reaches }] of Object.entries(USES)
      ) {
        await t.step(name, async () => {
          const before = origin.received.length;
          const own = names.map((name) => files[name]);
          assert.equal(await within(turn(machine, ...own)), TEXT);
          assert.deepEqual(
            origin.received.slice(before).map(({ provider, method, url }) =>
              `${provider} ${method} ${url}`
            ),
            reaches,
          );
        });
      }
    }));

  Deno.test(`coding tools are told why a token does not do, on ${runtime}`, (t) =>
    onStage(runtime, async (stage) => {
      const token = await stage.doppel.mint();
      const id = token.split("_")[1];
      await stage.doppel.admin("DELETE", `/admin/tokens/${id}`);
      const { machine, files } = install(stage, token);
      for (const [name, { files: names, turn }] of Object.entries(USES)) {
        await t.step(name, async () => {
          const own = names.map((name) => files[name]);
          const lines = await linesDuring(stage, async () => {
            const error = await rejection(name, turn(machine, ...own));
            assert.match(`${error}`, /Unknown or revoked doppel token/);
          });
          // Claude Code's greeting bears no token.
          const asked = lines.filter(({ method }) => method !== "HEAD");
          assert.deepEqual(
            asked.map(({ status, refused }) => [status, refused]),
            [[401, "token_invalid"]],
          );
        });
      }
      assert.equal(stage.origin.received.length, 0);
    }));

  Deno.test(`Codex goes on in HTTP where a provider takes no sockets, on ${runtime}`, () =>
    onStage(runtime, async (stage) => {
      const token = await stage.doppel.mint({ providers: ["xai"] });
      const { machine, files } = install(stage, token);
      const config = structuredClone(files[CODEX]);
      config.model_providers.xai.supports_websockets = true;
      const lines = await linesDuring(stage, async () => {
        const turn = codex(config, machine, { model: "m", provider: "xai" });
        assert.equal(await within(turn), TEXT);
      });
      assert.deepEqual(
        lines.map(({ method, status }) => [method, status]),
        [["GET", 426], ["POST", 200]],
      );
    }));
}
