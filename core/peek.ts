/**
 * A look into an origin's answer that leaves it as it was: what was read goes
 * down again, byte for byte.
 *
 * @module
 */

import type { Begun } from "./egress.ts";
import type { Signal } from "./signal.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** An answer that was looked into. */
export interface Peeked {
  /** With the very bytes of the one that was looked at. */
  readonly response: Response;
  /** Its text; `undefined` where it was not looked into, or is longer. */
  readonly text: string | undefined;
}

/** Bytes of an answer that are looked at: hundreds are usual. */
const MOST = 65_536;

/** Looks into an answer whose type and length are those of an error's; until the origin is silent, or `signal` aborts. */
export async function peek(
  { response, flight }: Pick<Begun, "response" | "flight">,
  signal: Signal,
): Promise<Peeked> {
  const { status, headers, body } = response;
  if (body === null || !readable(headers)) return { response, text: undefined };
  const { read, whole, rest } = await readSome(body, flight, signal);
  return {
    response: new Response(rest, { status, headers }),
    text: whole ? await new Blob(read).text() : undefined,
  };
}

/** What JSON text holds, bare where it stands alone in an array, as the errors of Google's OpenAI-compatible paths do; `undefined` where it is none. */
export function parsedError(text: string): unknown {
  try {
    const body: unknown = JSON.parse(text) ?? undefined;
    return Array.isArray(body) && body.length === 1 ? body[0] : body;
  } catch {
    return undefined;
  }
}

function readable(headers: Headers): boolean {
  const type = headers.get("content-type") ?? "";
  return /^(?:application\/(?:[\w.-]+\+)?json|text\/plain)\b/i.test(type) &&
    Number(headers.get("content-length") ?? 0) <= MOST &&
    (headers.get("content-encoding") ?? "identity") === "identity";
}

/** The beginning of a body, and all of it again; one that breaks off does so again, too. */
async function readSome(
  body: ReadableStream<Bytes>,
  flight: Begun["flight"],
  signal: Signal,
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
