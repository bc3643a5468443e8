/**
 * The way to an origin server: one `fetch`, told to leave everything as it is.
 *
 * @module
 */

import type { Content } from "./core/content.ts";
import {
  type Aim,
  aimed,
  type Begun,
  type Egress,
  type Forwarded,
  IDEMPOTENT,
} from "./core/egress.ts";
import type { Flights } from "./core/flight.ts";
import type { Refusal } from "./core/refusal.ts";
import type { Fields } from "./core/rewrite.ts";

/** What the runtime gives beyond WHATWG fetch. */
export interface EgressOptions {
  /** All flights of the process. */
  readonly flights: Flights;
  /** Silence allowed before the answer, seconds, connecting included: fetch does not tell the two apart. */
  readonly firstByteSeconds: number;
  /** Deno's HTTP/1.1 pool: one HTTP/2 connection's stream limit would cap all. */
  readonly client?: unknown;
  /** Deno's pool that never reuses: for POSTs without content, which Deno would re-send. */
  readonly freshClient?: unknown;
  /** Has the runtime give back what chunks have left behind. Bun hands out up to 1.5 MiB of them at a time, and without being asked keeps some 60 MiB that are done with. */
  readonly collect?: (() => void) | undefined;
}

/** Bytes of chunked content after which the runtime is asked to collect. */
const LITTER = 16_777_216;

/** Slowest upload that is not taken for silence, bytes per second. */
const SLOWEST_UPLOAD = 65_536;

/** Sends a request where it is aimed; refused where nobody is there, or silent. */
export type Send = (
  aim: Aim,
  request: Pick<Forwarded, "method" | "content" | "signal">,
) => Promise<Begun | Refusal>;

/** An egress straight to the origin. */
export function directEgress(send: Send): Egress {
  return (forwarded) => send(aimed(forwarded), forwarded);
}

/** The one place that calls `fetch`. */
export function sender(
  { flights, firstByteSeconds, client, freshClient, collect }: EgressOptions,
): Send {
  let litter = 0;
  const passed = (bytes: number) => {
    litter += bytes;
    if (litter < LITTER) return;
    litter = 0;
    collect?.();
  };
  return async ({ url, fields }, { method, content, signal }) => {
    if (signal.aborted) return { refused: "client_closed", unsent: true };
    const controller = new AbortController();
    const abort = () => controller.abort();
    const flight = flights.begin(abort);
    signal.addEventListener("abort", abort);
    const upload = (content.length ?? 0) / SLOWEST_UPLOAD;
    flight.await(firstByteSeconds + upload);
    if (content.chunks) {
      content.chunks.seen = (bytes) => {
        flight.await(firstByteSeconds);
        passed(bytes);
      };
    }
    const resendable = content.body === undefined && !IDEMPOTENT.has(method);
    try {
      const response = await fetch(url, {
        method,
        headers: framed(fields, content, method) as [string, string][],
        body: content.body ?? null,
        redirect: "manual",
        signal: controller.signal,
        duplex: "half",
        decompress: false,
        timeout: false,
        client: resendable ? freshClient : client,
      } as RequestInit);
      if (response.status >= 200 && response.status <= 599) {
        return { response, flight, abort };
      }
      await response.body?.cancel();
      flight.land();
      return UNREADABLE;
    } catch (error) {
      // Never passed on: both runtimes write the whole URL into it.
      flight.land();
      if (signal.aborted || leftUploading(error)) {
        return { refused: "client_closed" };
      }
      if (content.chunks?.overflowed) return { refused: "body_too_large" };
      return {
        refused: flight.silent ? "origin_timeout" : "origin_unreachable",
        ...(neverConnected(error) && { unsent: true }),
      };
    }
  };
}

/** Deno's signal is silent when a client leaves during its upload; only this message tells. */
function leftUploading(error: unknown): boolean {
  const { cause } = error as Fault;
  return /^Cannot read request body/.test(cause?.message ?? "");
}

/** Bun says it by a code, Deno in a message whose URL has no space in it. */
function neverConnected(error: unknown): boolean {
  const { code, cause } = error as Fault;
  return code === "ECONNREFUSED" || code === "ENOTFOUND" ||
    / client error \(Connect\): /.test(cause?.message ?? "");
}

interface Fault {
  readonly code?: string;
  readonly cause?: { readonly message?: string };
}

const UNREADABLE: Refusal = {
  refused: "origin_unreachable",
  detail: "The API's answer has a status that cannot be passed on.",
};

/** With the length Bun keeps only if it is written; empty content has one too, except where a body means nothing. */
function framed(fields: Fields, { body, length }: Content, method: string) {
  if (body === undefined) {
    const silent = method === "GET" || method === "HEAD" || method === "DELETE";
    return silent ? fields : [...fields, ["content-length", "0"] as const];
  }
  return length === undefined
    ? fields
    : [...fields, ["content-length", `${length}`] as const];
}
