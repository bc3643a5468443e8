/**
 * An origin's answer on its way down: fields filtered, URLs that would lead
 * around doppel turned back, bytes passed as they come and watched for silence.
 *
 * @module
 */

import type { Metering } from "./account.ts";
import {
  readSparingly,
  readWith,
  type Source,
  startingWith,
} from "./chunks.ts";
import type { Credential } from "./credential.ts";
import {
  claimLocation,
  claimUpload,
  type Edit,
  type Editing,
  editsOf,
  eventClaims,
} from "./edit.ts";
import { type Begun, giveUp } from "./egress.ts";
import { hidesUsage, hideUsage } from "./exact.ts";
import type { Meter } from "./meter.ts";
import type { Provider, Route } from "./provider.ts";
import { isRefusal, type Refusal } from "./refusal.ts";
import { type Fields, fieldsDown } from "./rewrite.ts";
import { StoreUnavailable } from "./store.ts";
import { brokenBy, letGo } from "./intake.ts";
import { EVENTS } from "./tally.ts";
import { turnBack } from "./turn.ts";
import { brokenOff, readWhole, type Watch, watch } from "./watch.ts";

/** What an answer is sent down with. */
export interface Journey extends Watch {
  /** Where the request went. */
  readonly route: Route;
  /** Method of the request. */
  readonly method: string;
  /** What it may have gone out with, and must not come back with. */
  readonly credentials: readonly Credential[];
  /** What of the answer may have to be changed; absent: nothing. */
  readonly editing?: Editing;
  /** Meters the answer's bytes, or a socket's messages. */
  readonly meter?: ((answer: Metering) => Meter | undefined) | undefined;
  /** Whether usage was asked for in the client's place. */
  readonly asked?: true | undefined;
  /** Fields of ours that go down with it, as they are by then. */
  readonly own?: () => Fields;
  /** URL of doppel that stands for the origin's, without a trailing slash. */
  readonly base: () => string;
}

/** Fields whose value is a URL that clients follow. */
const FOLLOWED_FIELDS = [
  "location",
  "content-location",
  "x-goog-upload-url",
  "x-goog-upload-control-url",
];

/** Fetch's null body statuses: an answer with one of these must not have a body. */
const BODILESS = new Set([204, 205, 304]);

/** The answer to the client; a refusal where it had to be read here and could not be. */
export async function respond(
  answer: Begun,
  journey: Journey,
): Promise<Response | Refusal> {
  const { credentials } = journey;
  const begun = mayTell(answer, journey.route.provider)
    ? await (await import("./hush.ts"))
      .hush(answer, credentials, journey.signal)
    : answer;
  const { response } = begun;
  const { journal, route, base, method, editing } = journey;
  const { status } = response;
  const headers = fieldsDown(response.headers, [
    ...journey.own?.() ?? [],
    ...begun.own ?? [],
  ]);
  const turn = (url: string) => turnBack(url, route.provider, base);
  const made = status === 201 ? headers.get("location") : null;
  const upload = turnFields(headers, route.prefix, turn);
  const originId = headers.get("x-request-id") ?? headers.get("request-id");
  if (!headers.has("x-request-id")) headers.set("x-request-id", journal.id);
  journal.note({
    status,
    firstByteMs: journal.elapsed(),
    ...(originId !== null && { originId }),
  });
  const begins = editing && (upload ?? made) !== null;
  const claimed = begins && await kept(async () => {
    if (upload) await claimUpload(upload, editing);
    if (made) await claimLocation(made, editing);
  });
  if (isRefusal(claimed)) return give(begun, claimed);
  const meter = journey.meter?.(response);
  if (meter?.written) journey.revocation?.outlive();
  if (response.body === null || method === "HEAD" || BODILESS.has(status)) {
    await response.body?.cancel();
    begun.flight.land();
    journal.close("complete");
    return new Response(null, { status, headers });
  }
  const edits = editing && status < 300 ? editsOf(editing, headers, turn) : [];
  const passing = { headers, meter };
  if (edits.length > 0) {
    return await editWhole(begun, journey, { ...passing, edits });
  }
  return isSmall(headers)
    ? await passAtOnce(begun, journey, passing)
    : passOn(begun, journey, passing);
}

/** Bytes up to which an answer may go down in one piece: a stream costs more than all else. */
const SMALL = 65_536;

/** Whether an answer says that it is small, and is no stream of events. One without a type goes as a stream: Bun would give it one. */
function isSmall(headers: Headers): boolean {
  const length = headers.get("content-length");
  const type = headers.get("content-type");
  return length !== null && /^[1-9]\d{0,4}$/.test(length) &&
    Number(length) <= SMALL && type !== null && !EVENTS.test(type);
}

/** The answer in one piece where what comes first is all of it, as it nearly always is; else as it comes. */
async function passAtOnce(
  begun: Begun,
  journey: Journey,
  { headers, meter }: Passing,
): Promise<Response | Refusal> {
  const { response: { status, body }, flight } = begun;
  const { journal, revocation, signal, idleSeconds } = journey;
  const length = Number(headers.get("content-length"));
  const source = readWith(body!, length);
  const cut = () => letGo(source);
  flight.follow({ cut });
  // Deno loses an abort, so the read is ended here, too.
  signal.addEventListener("abort", cut);
  flight.await(idleSeconds);
  const first = await source.read().catch(() => undefined);
  if (first === undefined || flight.silent || signal.aborted) {
    flight.land();
    cut();
    if (revocation?.why) return revocation.why;
    journal.close(brokenBy(flight, signal), { bytes: 0 });
    return new Response(brokenOff(), { status, headers });
  }
  if (first.value?.byteLength !== length) {
    signal.removeEventListener("abort", cut);
    const rest = { headers, meter, source: startingWith(first, source) };
    return passOn(begun, journey, rest);
  }
  flight.land();
  cut();
  meter?.see(first.value);
  const left = revocation?.client.aborted;
  journal.close(left ? "drained" : "complete", { bytes: left ? 0 : length });
  return new Response(first.value, { status, headers });
}

/** Whether an answer is one that may hold a key, which hardly any is. */
function mayTell({ response }: Begun, { tells }: Provider): boolean {
  return tells?.includes(response.status) ?? false;
}

/** What goes down, and who reads along. */
interface Passing {
  readonly headers: Headers;
  readonly meter: Meter | undefined;
  /** Where its content comes from, where some of it has been read. */
  readonly source?: Source;
}

/** The answer as it comes. */
function passOn(
  begun: Begun,
  journey: Journey,
  { headers, meter, source }: Passing,
): Response {
  const { response } = begun;
  const { editing } = journey;
  const hides = journey.asked && hidesUsage(response);
  if (hides) headers.delete("content-length");
  const watched = watch(source ?? readSparingly(response.body!), begun, {
    ...journey,
    tap: editing && eventClaims(editing, headers),
    behind: meter?.see,
    filter: hides ? hideUsage() : undefined,
  });
  return new Response(watched, { status: response.status, headers });
}

/** The answer once it is all there, and edited. */
async function editWhole(
  begun: Begun,
  journey: Journey,
  { headers, meter, edits }: Passing & { readonly edits: readonly Edit[] },
): Promise<Response | Refusal> {
  const { response } = begun;
  const whole = await readWhole(response, begun, journey);
  const content = isRefusal(whole)
    ? whole
    : await kept(() => changed(whole, edits));
  if (isRefusal(content)) {
    return journey.signal.aborted ? { refused: "client_closed" } : content;
  }
  if (!isRefusal(whole)) meter?.see(whole);
  headers.delete("content-length");
  const left = journey.revocation?.client.aborted;
  const bytes = left ? 0 : content.byteLength;
  journey.journal.close(left ? "drained" : "complete", { bytes });
  return new Response(content, { status: response.status, headers });
}

/** Turns URLs in fields back to doppel; the one an upload goes on with, as the origin gave it. */
function turnFields(
  headers: Headers,
  prefix: string,
  turn: (url: string) => string,
): string | null {
  const upload = headers.get("x-goog-upload-url") ?? headers.get("location");
  for (const field of FOLLOWED_FIELDS) {
    const value = headers.get(field);
    if (value === null) continue;
    const relative = /^\/(?!\/)/.test(value);
    headers.set(field, relative ? prefix + value : turn(value));
  }
  return upload;
}

/** What no edit has changed stays byte for byte. */
async function changed(
  whole: Uint8Array<ArrayBuffer>,
  edits: readonly Edit[],
): Promise<Uint8Array<ArrayBuffer>> {
  const text = new TextDecoder().decode(whole);
  let edited = text;
  for (const change of edits) edited = await change(edited);
  return edited === text ? whole : new TextEncoder().encode(edited);
}

const UNREADABLE: Refusal = {
  refused: "origin_unreachable",
  detail: "The API's answer could not be read.",
};

/** What `work` gives; a refusal where the store is away or the answer was not what it says. */
async function kept<Result>(
  work: () => Promise<Result>,
): Promise<Result | Refusal> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof SyntaxError) return UNREADABLE;
    if (!(error instanceof StoreUnavailable)) throw error;
    return { refused: "store_unavailable", retryAfter: 1 };
  }
}

/** The refusal, the answer given up for it. */
function give(begun: Begun, refusal: Refusal): Refusal {
  giveUp(begun);
  return refusal;
}
