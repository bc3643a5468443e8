/**
 * The origin: keys that serve or do not, answers that come at once, slowly, in
 * part, or never. It knows what everything really came to.
 */

import type { Call, Laws, Visit } from "./simulation_laws.ts";
import { nameOf } from "./simulation_laws.ts";
import type { World } from "./simulation_world.ts";

/** What it says to a key. */
export type Mood = "serves" | "refuses" | "poor" | "spent" | "resting";

/** Micro-dollars of a token read and of one written. */
const READ = 3;
const WRITTEN = 5;
/** Tokens read of every request. */
const PROMPT = 7;

export const costOf = (prompt: number, written: number) =>
  READ * prompt + WRITTEN * written;
/** The most that a request with this limit comes to. */
export const worstOf = (limit: number) => costOf(PROMPT, limit);

const ERRORS: Record<Exclude<Mood, "serves">, readonly [number, string]> = {
  refuses: [401, "invalid_api_key"],
  poor: [429, "insufficient_quota"],
  spent: [429, "usage_limit_reached"],
  resting: [429, "usage_limit_reached"],
};

export type Origin = ReturnType<typeof createOrigin>;

export function createOrigin(
  world: World,
  { laws, calls, keyOf }: {
    laws: Laws;
    calls: readonly Call[];
    keyOf: (value: string) => string;
  },
) {
  const { random } = world;
  const moods = new Map<string, Mood>();
  /** Of requests, so many meet an accident. */
  let accidents = 0;

  async function answer(
    ...[_, init = {}]: Parameters<typeof fetch>
  ): Promise<Response> {
    const fields = new Headers(init.headers);
    const key = keyOf(fields.get("authorization") ?? "");
    const call = calls[Number(fields.get("x-call"))]!;
    const { body, signal } = init;
    const text = body ? await new Response(body).text() : "";
    const asked = text === "" ? undefined : JSON.parse(text);
    const visit: Visit = {
      ...{ call, key, fate: "open", cost: 0, tokens: 0 },
      ...{ told: false, stopped: false, said: "" },
    };
    laws.visited(visit);
    const accident = random.chance(accidents)
      ? random.weighed({ nobody: 3, reset: 3, silent: 1, fails: 3, busy: 2 })
      : undefined;
    const mood = moods.get(key) ?? "serves";
    world.note(() =>
      `${nameOf(call)} reaches the origin with ${key}, which ${mood}${
        accident ? `, ${accident}` : ""
      }`
    );
    const gone = new Promise<never>((_, reject) => {
      signal?.addEventListener("abort", () => {
        if (visit.fate === "open") visit.fate = "lost";
        if (visit.fate !== "whole") visit.stopped = true;
        reject(new DOMException("aborted", "AbortError"));
      });
    });
    gone.catch(() => {});
    const came = new Promise<Response>((resolve, reject) => {
      if (accident === "silent") return;
      world.after(random.below(300), call.who, () => {
        if (visit.fate === "lost") return;
        if (accident === "nobody") {
          visit.fate = "unsent";
          return reject(Object.assign(new Error(), { code: "ECONNREFUSED" }));
        }
        if (accident === "reset") {
          visit.fate = "lost";
          return reject(new TypeError("reset"));
        }
        resolve(respond(visit, { accident, mood, asked, signal }));
      });
    });
    return await Promise.race([came, gone]);
  }

  function respond(
    visit: Visit,
    { accident, mood, asked, signal }: {
      accident: string | undefined;
      mood: Mood;
      asked: Asked | undefined;
      signal: AbortSignal | null | undefined;
    },
  ): Response {
    visit.fate = "answered";
    const failed = accident === "fails"
      ? [500, "server_error"] as const
      : accident === "busy"
      ? [429, "rate_limit_exceeded"] as const
      : mood !== "serves"
      ? ERRORS[mood]
      : undefined;
    visit.status = failed?.[0] ?? 200;
    const headers = new Headers({ "content-type": "application/json" });
    if (failed) {
      if (mood === "resting" && !accident) {
        headers.set("retry-after", `${1 + random.below(40)}`);
      }
      const error = { message: "No.", code: failed[1] };
      return played(visit, [JSON.stringify({ error })], { headers, signal });
    }
    if (!asked) return played(visit, ["{}"], { headers, signal });
    const written = 1 + random.below(asked.max_tokens);
    const usage = {
      prompt_tokens: PROMPT,
      completion_tokens: written,
      total_tokens: PROMPT + written,
    };
    visit.cost = costOf(PROMPT, written);
    visit.tokens = usage.total_tokens;
    if (!asked.stream) {
      const whole = JSON.stringify({ model: asked.model, usage });
      const half = random.below(whole.length);
      const parts = [whole.slice(0, half), whole.slice(half)].filter(Boolean);
      return played(visit, parts, { headers, signal });
    }
    headers.set("content-type", "text/event-stream");
    const event = (data: object) => `data: ${JSON.stringify(data)}\n\n`;
    const delta = event({
      model: asked.model,
      choices: [{ delta: { content: "word" } }],
    });
    const parts = Array.from({
      length: random.below(random.chance(0.05) ? 24 : 6),
    }, () => delta);
    if (asked.stream_options?.include_usage) {
      parts.push(event({ choices: [], usage }));
    }
    return played(visit, [...parts, "data: [DONE]\n\n"], { headers, signal });
  }

  /** The answer's parts, each in its time; some answers break off, some stop in the middle. */
  function played(
    visit: Visit,
    parts: readonly string[],
    { headers, signal }: {
      headers: Headers;
      signal: AbortSignal | null | undefined;
    },
  ): Response {
    const { call } = visit;
    const slow = parts.length > 8 || random.chance(0.3);
    const breaks = random.chance(accidents / 2)
      ? random.below(parts.length)
      : -1;
    const encoder = new TextEncoder();
    let over = false;
    let all = "";
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        signal?.addEventListener("abort", () => {
          if (over) return;
          over = true;
          controller.error(new DOMException("aborted", "AbortError"));
        });
        const next = (at: number) => {
          if (over) return;
          if (at === breaks) {
            over = visit.stopped = true;
            return controller.error(new TypeError("reset"));
          }
          const part = parts[at];
          if (part === undefined) {
            over = true;
            visit.fate = "whole";
            return controller.close();
          }
          const tells = part.includes('"usage"');
          const hidden = tells && part.startsWith("data:") && !call.asksUsage;
          if (!hidden) visit.said += part;
          all += part;
          if (all.includes('"usage"')) visit.told = true;
          controller.enqueue(encoder.encode(part));
          world.after(pause(slow), call.who, () => next(at + 1));
        };
        next(0);
      },
      cancel: () => void (over = visit.stopped = true),
    });
    return new Response(body, { status: visit.status!, headers });
  }

  function pause(slow: boolean) {
    if (random.chance(0.3)) return 0;
    return random.below(slow ? 12_000 : 80);
  }

  return {
    answer,
    setMood: (key: string, mood: Mood) => void moods.set(key, mood),
    setAccidents: (share: number) => void (accidents = share),
  };
}

interface Asked {
  readonly model: string;
  readonly max_tokens: number;
  readonly stream: boolean;
  readonly stream_options?: { readonly include_usage?: boolean };
}
