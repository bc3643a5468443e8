/**
 * How an API says that it does not serve the region a request came from. It
 * judges by the address it sees: this doppel's, not the client's.
 *
 * @module
 */

import type { Begun } from "./egress.ts";
import type { Fields } from "./rewrite.ts";

/** What a provider's row knows about it. */
export interface Region {
  /** Of the answer that refuses a region. */
  readonly status: number;
  /** Members of its JSON by path (`error.code`), and what each must be; one that is absent counts as empty. */
  readonly members: Readonly<Record<string, RegExp>>;
  /** A cheap GET that answers whether this region is served. */
  readonly probe: { readonly path: string; readonly fields: Fields };
}

/** Bytes of an answer that are looked at: hundreds are usual. */
const MOST = 65_536;

/** An answer, and whether it refuses the region. */
export interface Judged {
  /** With the very bytes of the one that was looked at. */
  readonly response: Response;
  /** Whether another region may be served. */
  readonly refused: boolean;
}

/** Looks into an answer only where its status, type and length are those of a refusal; until the origin is silent, or `signal` aborts. */
export async function judge(
  { response, flight }: Pick<Begun, "response" | "flight">,
  region: Region,
  signal: AbortSignal,
): Promise<Judged> {
  const { status, headers, body } = response;
  const short = Number(headers.get("content-length") ?? 0) <= MOST;
  const type = headers.get("content-type") ?? "";
  if (
    status !== region.status || !short || body === null ||
    !/^(?:application\/json|text\/plain)\b/i.test(type)
  ) return { response, refused: false };
  const { read, whole, rest } = await readSome(body, flight, signal);
  return {
    response: new Response(rest, { status, headers }),
    refused: whole && refusesRegion(await new Blob(read).text(), region),
  };
}

/**
 * Whether JSON text is the body of such a refusal.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { refusesRegion } from "./region.ts";
 *
 * const members = { "error.code": /^unsupported_country$/ };
 * assert.ok(refusesRegion('[{"error":{"code":"unsupported_country"}}]', { members }));
 * assert.ok(!refusesRegion('{"error":{"code":"invalid_api_key"}}', { members }));
 * ```
 */
export function refusesRegion(
  text: string,
  { members }: Pick<Region, "members">,
): boolean {
  const body = parsed(text);
  // Google's OpenAI-compatible paths wrap their errors in an array.
  const inner = Array.isArray(body) && body.length === 1 ? body[0] : body;
  return Object.entries(members).every(([path, pattern]) => {
    const value = member(inner, path) ?? "";
    return typeof value === "string" && pattern.test(value);
  });
}

function member(value: unknown, path: string): unknown {
  return path.split(".").reduce(
    (inner, name) => (inner as Record<string, unknown> | undefined)?.[name],
    value,
  );
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) ?? undefined;
  } catch {
    return undefined;
  }
}

type Bytes = Uint8Array<ArrayBuffer>;

/** The beginning of a body, and all of it again; one that breaks off does so again, too. */
async function readSome(
  body: ReadableStream<Bytes>,
  flight: Begun["flight"],
  signal: AbortSignal,
) {
  const reader = body.getReader();
  const read: Bytes[] = [];
  let whole = false;
  let broken = false;
  // Deno loses an abort of a body once its garbage collector has run.
  const cut = () => {
    broken = true;
    reader.cancel().catch(() => {});
  };
  flight.follow({ cut });
  signal.addEventListener("abort", cut);
  if (signal.aborted) cut();
  try {
    for (let left = MOST; left > 0 && !whole;) {
      const { done, value } = await reader.read();
      if (broken) break;
      whole = done;
      if (value !== undefined) read.push(value);
      left -= value?.byteLength ?? 0;
    }
  } catch { /* the next read breaks off like this one */ }
  signal.removeEventListener("abort", cut);
  let at = 0;
  const rest = new ReadableStream<Bytes>({
    async pull(controller) {
      if (at < read.length) return controller.enqueue(read[at++]!);
      const { done, value } = await reader.read();
      if (broken) throw new Error("The origin's answer broke off");
      if (done) controller.close();
      else controller.enqueue(value);
    },
    cancel: (reason) => reader.cancel(reason),
  }, { highWaterMark: 0 });
  return { read, whole, rest };
}
