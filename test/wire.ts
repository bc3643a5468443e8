/**
 * The table's machinery: a row says what a client writes and what an origin
 * answers, byte for byte, and what of it must come out at the other ends.
 */

import assert from "node:assert/strict";
import type { Buffer } from "node:buffer";
import { keepText } from "./evidence.ts";
import {
  checkAnswer,
  checkReached,
  type Gets,
  type Reaches,
} from "./expect.ts";
import {
  bytes,
  dial,
  message,
  type Part,
  readAnswer,
  type Wire,
} from "./raw.ts";
import {
  always,
  type Exchange,
  OK,
  type Origin,
  type Script,
  startOrigin,
} from "./raw_origin.ts";
import {
  type Runtime,
  RUNTIMES,
  startDoppel,
  type Subject,
  until,
} from "./subject.ts";

/** The holder's token in all rows. */
export const T = "wire-holder-token-0123456789";
export const BEARER = `authorization: Bearer ${T}`;
/** What doppel is called in all rows; `Host` names it. */
export const DOPPEL = "doppel.test";

/** What a client with a token in the usual slot writes. */
export function ask(
  target: string,
  fields: readonly string[] = [],
  ...content: readonly Part[]
): Buffer {
  return message(
    `${target} HTTP/1.1`,
    [`host: ${DOPPEL}`, BEARER, ...fields],
    ...content,
  );
}

/** A request with its length. */
export function send(
  target: string,
  content: Part,
  fields: readonly string[] = [],
): Buffer {
  const length = `content-length: ${bytes(content).length}`;
  return ask(target, [...fields, length], content);
}

/** An answer with its length. */
export function reply(
  status: string,
  fields: readonly string[] = [],
  content: Part = "",
): Buffer {
  const length = `content-length: ${bytes(content).length}`;
  return message(`HTTP/1.1 ${status}`, [...fields, length], content);
}

interface Outcome {
  /** `null`: nothing. */
  readonly reaches?: Reaches | null | "broken";
  readonly gets?: Gets;
}

export interface Row extends Outcome {
  readonly name: string;
  /** The client's bytes; `GET /v1/x` if absent. */
  readonly sends?: Part;
  /** The origin's bytes, `{origin}` for its URL; 200 `ok` if absent. */
  readonly answers?: Part;
  /** The origin closes after its answer. */
  readonly closes?: true;
  /** The connection is of no use after the answer. */
  readonly last?: true;
  /** What a runtime does differently and leaves doppel no choice in. */
  readonly on?: Partial<Record<Runtime, Outcome & { readonly why: string }>>;
}

export interface Stage {
  readonly runtime: Runtime;
  readonly doppel: Subject;
  readonly origin: Origin;
  /** A client, closed by `leave()` at the latest. */
  connect(): Promise<Wire>;
  /** Closes all clients. */
  leave(): Promise<void>;
}

/** A doppel before an origin of all APIs; `env` may name the origin's URL. */
export async function onStage(
  runtime: Runtime,
  play: (stage: Stage) => Promise<void>,
  env: (origin: string) => Record<string, string> = () => ({}),
) {
  const origin = await startOrigin();
  const doppel = await startDoppel({
    runtime,
    origin: origin.url,
    env: env(origin.url),
  });
  const clients = new Set<Wire>();
  const stage: Stage = {
    runtime,
    doppel,
    origin,
    async connect() {
      const client = await dial(doppel.url);
      clients.add(client);
      return client;
    },
    async leave() {
      for (const client of clients) await client.close();
      clients.clear();
    },
  };
  try {
    const listed = await doppel.admin("GET", "/admin/providers");
    const { providers } = listed as { providers: { id: string }[] };
    await doppel.mint({ token: T, providers: providers.map(({ id }) => id) });
    await play(stage);
  } finally {
    await stage.leave();
    if (doppel.child.exitCode === null) await doppel.stop();
    await origin.stop();
  }
}

/** One request of a law, at a path of its own, by which its log line is found. */
export interface Call {
  readonly path: string;
  readonly client: Wire;
  /** How often it has reached the origin. */
  readonly count: () => number;
  /** It at the origin, waited for. */
  exchange(): Promise<Exchange>;
  /** What the log says of it, waited for. */
  line(): Promise<Record<string, unknown>>;
}

export interface CallOptions {
  /** What the origin does with it. */
  readonly script: Script;
  /** The client's bytes; a GET if absent. */
  readonly sends?: (path: string) => Part;
  /** A provider's. */
  readonly prefix?: string;
  /** Instead of a new connection. */
  readonly client?: Wire;
}

let calls = 0;

export async function call(
  { doppel, origin, connect }: Stage,
  { script, sends = (path) => ask(`GET ${path}`), prefix = "", client }:
    CallOptions,
): Promise<Call> {
  const inner = `/v1/call-${++calls}`;
  const path = prefix + inner;
  origin.play(script, inner);
  const reached = () =>
    origin.reached.filter(({ line }) => line.split(/[ ?]/)[1] === inner);
  const wire = client ?? await connect();
  await wire.write(sends(path));
  return {
    path,
    client: wire,
    count: () => reached().length,
    exchange: () => until(() => reached()[0]),
    async line() {
      const { status, ending, refused } = await until(() =>
        doppel.lines().find((line) => line.path === path)
      );
      return { status, ending, ...(refused !== undefined && { refused }) };
    },
  };
}

export type Laws = Readonly<Record<string, (stage: Stage) => Promise<void>>>;

/** What holds on a stage, each under its name, one after the other on one stage per runtime. */
export function laws(
  name: string,
  laws: Laws,
  env?: (origin: string) => Record<string, string>,
) {
  for (const runtime of RUNTIMES) {
    Deno.test(`${name}, on ${runtime}`, async (t) => {
      await onStage(runtime, async (stage) => {
        for (const [law, holds] of Object.entries(laws)) {
          stage.origin.reached.length = 0;
          await t.step(law, async () => {
            await holds(stage).finally(stage.leave);
          });
        }
      }, env);
    });
  }
}

/** Every row on both runtimes, each over a connection of its own. Gemini's origin has a base path. */
export function table(
  name: string,
  rows: readonly Row[],
  more: (origin: string) => Record<string, string> = () => ({}),
) {
  const env = (url: string) => ({
    GEMINI_UPSTREAM: `${url}/base`,
    ...more(url),
  });
  for (const runtime of RUNTIMES) {
    Deno.test(`${name}, on ${runtime}`, async (t) => {
      await onStage(runtime, async (stage) => {
        for (const row of rows) {
          await t.step(row.name, () => hold(row, stage));
        }
      }, env);
    });
  }
}

/** All of them at once, on both runtimes at once: they do little but wait. */
export function atOnce(
  name: string,
  laws: Laws,
  env?: (origin: string) => Record<string, string>,
) {
  Deno.test(name, async (t) => {
    const steps: [string, PromiseSettledResult<void>][] = [];
    await Promise.all(
      RUNTIMES.map((runtime) =>
        onStage(runtime, async (stage) => {
          const held = Object.values(laws).map((holds) => holds(stage));
          const results = await Promise.allSettled(held);
          Object.keys(laws).forEach((law, i) =>
            steps.push([`${law}, on ${runtime}`, results[i]!])
          );
        }, env)
      ),
    );
    for (const [step, result] of steps) {
      await t.step(step, () => {
        if (result.status === "rejected") throw result.reason;
      });
    }
  });
}

async function hold(row: Row, { runtime, origin, connect, leave }: Stage) {
  const { reaches = {}, gets = {} } = row.on?.[runtime] ?? row;
  const { sends = ask("GET /v1/x"), answers = OK, closes } = row;
  const answer = always(named(answers, origin.url));
  origin.reached.length = 0;
  origin.play(async (exchange) => {
    await answer(exchange);
    if (closes) exchange.wire.end();
  });
  const client = await connect();
  try {
    await client.write(sends);
    const [method] = bytes(sends).toString("latin1").split(" ", 1);
    const got = await within(readAnswer(client, method));
    const { host } = new URL(origin.url);
    const reached = origin.reached.map((one) => within(one.whole()));
    keepText(`answer on ${runtime}`, [got?.fields, got?.content].join("\n"));
    checkReached(await Promise.all(reached), reaches, { runtime, host });
    checkAnswer(got, withOrigin(gets, origin.url), runtime);
    if (row.last) return;
    // The next answer begins where this one ended, or the connection is over.
    await client.write(message("GET /healthz HTTP/1.1", [`host: ${DOPPEL}`]));
    const next = await within(readAnswer(client));
    assert.equal(next?.line ?? HEALTHY, HEALTHY);
  } finally {
    await leave();
  }
}

/** In place of `{origin}`, which no row can know. */
function named(part: Part, origin: string): string {
  return bytes(part).toString("latin1").replaceAll("{origin}", origin);
}

function withOrigin(gets: Gets, origin: string): Gets {
  if (gets === "closed" || "bare" in gets || "refused" in gets) return gets;
  const { fields = [], content = "ok" } = gets;
  return {
    ...gets,
    fields: fields.map((field) => named(field, origin)),
    content: named(content, origin),
  };
}

const HEALTHY = "HTTP/1.1 200 OK";

/** `work`, or an error where it hangs. */
export async function within<Value>(
  work: Promise<Value>,
  milliseconds = 5000,
): Promise<Value> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    const hung = new Error(`nothing came to an end in ${milliseconds} ms`);
    timer = setTimeout(() => reject(hung), milliseconds);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
