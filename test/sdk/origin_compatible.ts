/**
 * The APIs that speak OpenAI's wire, each where its fixture says it lies, with
 * its own list of models, and with errors of its own where it has some.
 */

import LISTS from "../models/lists.json" with { type: "json" };
import { ROW_FIXTURES } from "../providers.ts";
import { ALL_KEYS } from "../subject.ts";
import { PROVIDERS } from "../../providers/mod.ts";
import { anthropic } from "./origin_anthropic.ts";
import { openai } from "./origin_openai.ts";
import type { StandIn } from "./shape.ts";

/** What differs from OpenAI's errors. */
const ERRORS: Readonly<Record<string, StandIn["error"]>> = {
  // https://docs.mistral.ai/resources/error-glossary
  mistral: (status, message) => ({
    object: "error",
    message,
    type: "origin_error",
    param: null,
    code: `${status}`,
  }),
  // https://docs.x.ai/docs/api-reference, and @ai-sdk/xai's reading of it
  xai: (status, error) => ({ code: `c${status}`, error }),
};

/** Whose SDK takes calls of tools in one piece only. */
const WHOLE = ["mistral"];

/** A row's stand-in. */
function standIn(id: string): StandIn {
  const { at, paths = {} } = ROW_FIXTURES[id]!;
  const base = new URL(at).pathname.replace(/\/$/, "");
  const elsewhere = Object.fromEntries(
    Object.entries(paths).map(([path, url]) => [new URL(url).pathname, path]),
  );
  const list = LISTS.find(({ provider }) => provider === id)!.answer;
  return {
    base,
    slot: () => ["authorization", `Bearer ${ALL_KEYS[id]}`],
    requestId: "x-request-id",
    answer(ask) {
      const path = elsewhere[ask.path] ??
        (ask.path.startsWith(`${base}/`) && ask.path.slice(base.length));
      if (!path) return;
      if (path === "/v1/models") return { body: list };
      const wire = /\/v1\/messages/.test(path) ? anthropic : openai;
      return wire.answer({
        ...ask,
        path: path.replace("/anthropic", ""),
        ...(WHOLE.includes(id) && { wholeCalls: true }),
      });
    },
    error: ERRORS[id] ?? openai.error,
  };
}

/** By id; the owner's own machines are not among them. */
export const COMPATIBLE: Readonly<Record<string, StandIn>> = Object.fromEntries(
  PROVIDERS.filter(({ id, own }) => id in ROW_FIXTURES && !own)
    .map(({ id }) => [id, standIn(id)]),
);
