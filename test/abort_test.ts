/** Whoever leaves, the ledger says what the origin charges. */

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import * as http from "node:http";
import { DatabaseSync } from "node:sqlite";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { tokenId } from "../core/token.ts";
import { RUNTIMES, startDoppel, type Subject, until } from "./subject.ts";

/** Micro-dollars a token. */
const RATE = { input: 1, output: 3 };
/** What is sent up: 40 bytes. */
const PROMPT = "a".repeat(40);
/** What each event brings down: 8 bytes. */
const WORDS = "bbbbbbb ";
const EVENTS = 10;
/** The stand-in's own count: a token for four bytes. */
const tokens = (bytes: number) => Math.ceil(bytes / 4);
const INPUT = tokens(PROMPT.length);

/** A wire: how it is asked, and its events, of which `deltas` bring words. */
interface Wire {
  readonly path: string;
  readonly content: unknown;
  /** An answer in one piece, which a model has written before its first byte. */
  readonly document?: true;
  readonly head: readonly string[];
  readonly delta: (count: number) => string;
  readonly tail: (count: number) => readonly string[];
  /** Reckoned as sent, where that is not what the words come to. */
  readonly least?: number;
}

const data = (value: unknown) => `data: ${JSON.stringify(value)}\n\n`;
const event = (value: { type: string }) =>
  `event: ${value.type}\n${data(value)}`;
const messages = [{ role: "user", content: PROMPT }];
const asked = { model: "m-pinned", max_tokens: 1000, stream: true, messages };

const chat = (choices: unknown[], usage?: unknown) =>
  data({ object: "chat.completion.chunk", model: "m-pinned", choices, usage });
const openai = (usage: boolean): Wire => ({
  path: "/openai/v1/chat/completions",
  content: {
    ...asked,
    ...usage && { stream_options: { include_usage: true } },
  },
  head: [],
  delta: () => chat([{ index: 0, delta: { content: WORDS } }]),
  tail: (count) => [
    chat([{ index: 0, delta: {}, finish_reason: "stop" }]),
    ...usage
      ? [chat([], { prompt_tokens: INPUT, completion_tokens: count })]
      : [],
    "data: [DONE]\n\n",
  ],
});

const WIRES: Record<string, Wire> = {
  "OpenAI with usage": openai(true),
  "OpenAI without": openai(false),
  Anthropic: {
    path: "/anthropic/v1/messages",
    content: asked,
    head: [event({
      type: "message_start",
      message: {
        model: "m-pinned",
        usage: { input_tokens: INPUT, output_tokens: 1 },
      },
    } as { type: string })],
    least: 1,
    delta: () =>
      event({
        type: "content_block_delta",
        index: 0,
        delta: { type: "text_delta", text: WORDS },
      } as { type: string }),
    tail: (count) => [
      event({
        type: "message_delta",
        delta: { stop_reason: "end_turn" },
        usage: { output_tokens: count },
      } as { type: string }),
      event({ type: "message_stop" }),
    ],
  },
  Gemini: {
    path: "/gemini/v1beta/models/m-pinned:streamGenerateContent?alt=sse",
    content: {
      contents: [{ role: "user", parts: [{ text: PROMPT }] }],
      generationConfig: { maxOutputTokens: 1000 },
    },
    head: [],
    delta: (count) =>
      data({
        candidates: [{ content: { parts: [{ text: WORDS }] } }],
        usageMetadata: {
          promptTokenCount: INPUT,
          candidatesTokenCount: count,
          totalTokenCount: INPUT + count,
        },
        modelVersion: "m-pinned",
      }),
    tail: () => [],
  },
  "OpenAI, a document": {
    path: "/openai/v1/chat/completions",
    content: { ...asked, stream: false },
    document: true,
    head: [`{"model":"m-pinned","choices":[{"message":{"content":"`],
    delta: () => WORDS,
    tail: (count) => {
      const usage = { prompt_tokens: INPUT, completion_tokens: count };
      return [`"}}],"usage":${JSON.stringify(usage)}}`];
    },
  },
};

/** An answer as written, event by event, and what the origin charges having sent so many. */
function written({ document, head, delta, tail, least = 0 }: Wire) {
  const output = (deltas: number) => tokens(deltas * WORDS.length);
  const events = [
    ...head,
    ...Array.from({ length: EVENTS }, (_, i) => delta(output(i + 1))),
    ...tail(output(EVENTS)),
  ];
  const charge = (sent: number) => {
    const seen = document && sent > 0 ? EVENTS : sent - head.length;
    const deltas = Math.max(0, Math.min(seen, EVENTS));
    const words = Math.max(output(deltas), sent > 0 ? least : 0);
    return INPUT * RATE.input + words * RATE.output;
  };
  return { events, charge };
}

/** Whether so much of an answer that was cut off tells its bill, and that this is the last word. */
function says(name: string, sent: number): boolean {
  return ["OpenAI with usage", "Anthropic"].includes(name) &&
    sent === written(WIRES[name]!).events.length;
}

/** One request at the origin: what it has sent, and what it charges once that is settled. */
interface Sale {
  sent: number;
  charged: number | undefined;
  /** Sends the rest. */
  go: () => void;
}

/** Sends `pause` events (none: not even the head), waits for `go()`, and charges for what it has sent when it ends or sees the abort. */
async function startSales() {
  const sales = new Map<string, Sale>();
  const server = http.createServer(async (request, response) => {
    const wire = WIRES[`${request.headers["x-wire"]}`]!;
    const { events, charge } = written(wire);
    const type = wire.document ? "application/json" : "text/event-stream";
    const pause = Number(request.headers["x-pause"]);
    let go = () => {};
    const leave = new Promise<void>((resolve) => go = resolve);
    const sale: Sale = { sent: 0, charged: undefined, go };
    sales.set(`${request.headers["x-run"]}`, sale);
    response.on("close", () => {
      sale.charged = charge(sale.sent);
      go();
    });
    request.resume();
    const send = (event: string) => {
      response.write(event);
      sale.sent++;
    };
    if (pause > 0) {
      response.writeHead(200, { "content-type": type });
      for (const event of events.slice(0, pause)) send(event);
    }
    await leave;
    if (sale.charged !== undefined) return;
    if (pause === 0) response.writeHead(200, { "content-type": type });
    // Slowly, so that who leaves is gone before the end.
    for (const event of [...events.slice(pause), undefined]) {
      await new Promise((resolve) => setTimeout(resolve, 40));
      if (sale.charged !== undefined) return;
      if (event === undefined) response.end();
      else send(event);
    }
  }).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as { port: number };
  return {
    url: `http://127.0.0.1:${port}`,
    sales,
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const PRICES = {
  dated: "2026-11-20",
  source: "pinned by the test",
  providers: Object.fromEntries(
    ["openai", "anthropic", "gemini"].map((id) => [id, [{
      models: "m-pinned",
      ...RATE,
      context: 100_000,
      maxOutput: 1_000,
    }]]),
  ),
};

type Policy = "cancel" | "drain";

/** Money in micro-dollars. */
interface Outcome {
  /** Before the client left. */
  readonly held: number;
  /** Of the token's budget. */
  readonly spent: number;
  /** By the origin. */
  readonly charged: number;
  /** What the ledger says it came to, and how well that is known. */
  readonly entry: { readonly cost: number; readonly state: string };
  readonly ending: unknown;
}

/** The ledger's one entry of a token, once it is written. */
async function entryOf(doppel: Subject, id: string) {
  for (let i = 0; i < 200; i++) {
    const answer = await doppel.admin("GET", `/admin/tokens/${id}/requests`);
    const [entry] = (answer as { requests: Outcome["entry"][] }).requests;
    if (entry) return entry;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error("no entry");
}

let runs = 0;

/** A client that leaves when it has seen `pause` events, with a token of its own. */
async function leaving(
  doppel: Subject,
  sales: Map<string, Sale>,
  { name, policy, pause }: { name: string; policy: Policy; pause: number },
): Promise<Outcome> {
  const token = await doppel.mint({
    abort: policy,
    limits: { budget: { total: 1_000_000 } },
  });
  const id = tokenId(token);
  const run = `${++runs}`;
  const wire = WIRES[name]!;
  const request = http.request(doppel.url + wire.path, {
    method: "POST",
    agent: false,
    headers: {
      authorization: `Bearer ${token}`,
      "content-type": "application/json",
      "x-run": run,
      "x-wire": name,
      "x-pause": `${pause}`,
    },
  });
  let text = "";
  request.on("error", () => {});
  request.on("response", (answer) => {
    answer.on("data", (chunk) => text += chunk);
    answer.on("error", () => {});
  });
  request.end(JSON.stringify(wire.content));
  const expected = written(wire).events.slice(0, pause).join("");
  const sale = await until(() => sales.get(run));
  await until(() => text === expected);
  const database = new DatabaseSync(join(doppel.data, "doppel.sqlite"));
  try {
    const row = (sql: string) =>
      database.prepare(sql).get(id) as Record<string, number> | undefined;
    const { held } = row("SELECT held FROM leases WHERE token = ?")!;
    request.destroy();
    // Of what is written already nothing is saved, and its bill is read.
    const saved = policy === "cancel" && !(wire.document && pause > 0);
    if (!saved) sale.go();
    const charged = await until(() => sale.charged);
    const line = await until(() =>
      doppel.lines().find((line) => line.token === id)
    );
    await until(() => !row("SELECT 1 FROM leases WHERE token = ?"));
    const { spent } = row(
      "SELECT spent FROM spend WHERE token = ? AND period = 'total'",
    )!;
    const entry = await entryOf(doppel, id);
    return { held: held!, spent: spent!, charged, entry, ending: line.ending };
  } finally {
    database.close();
  }
}

for (const runtime of RUNTIMES) {
  Deno.test(`${runtime}: the ledger says what the origin charges, whenever the client leaves`, async (t) => {
    const place = mkdtempSync(join(tmpdir(), "doppel-prices-"));
    const file = join(place, "prices.json");
    writeFileSync(file, JSON.stringify(PRICES));
    const origin = await startSales();
    const env = { PRICES_FILE: file };
    const doppel = await startDoppel({ runtime, origin: origin.url, env });
    try {
      for (const [name, wire] of Object.entries(WIRES)) {
        const { events, charge } = written(wire);
        const leaves = [0, 1, 2, 5, events.length].flatMap((pause) =>
          (["cancel", "drain"] as const).map((policy) => ({ policy, pause }))
        );
        const outcomes = await Promise.all(
          leaves.map((leave) =>
            leaving(doppel, origin.sales, { name, ...leave })
          ),
        );
        for (const [i, { policy, pause }] of leaves.entries()) {
          const { held, spent, charged, entry, ending } = outcomes[i]!;
          const read = policy === "drain" || wire.document && pause > 0;
          // This API tells nobody who has not asked.
          const told = read ? name !== "OpenAI without" : says(name, pause);
          await t.step(`${name}, ${policy} after ${pause} events`, () => {
            assert.equal(ending, read ? "drained" : "client_closed");
            assert.equal(charged, charge(read ? events.length : pause));
            assert.equal(entry.cost, charged);
            assert.equal(entry.state === "measured", told);
            // This stand-in writes what doppel guesses by. Of others a guess may be short, so all that was held is spent.
            assert.equal(spent, told ? charged : held);
            assert.ok(charged <= spent && spent <= held);
          });
        }
      }
    } finally {
      await doppel.stop();
      await origin.stop();
      rmSync(place, { recursive: true });
    }
  });
}
