/**
 * A case, and how it is played: the same once straight to the origin and once
 * through the gateway. What both ends saw is kept for the comparison.
 */

import type { Buffer } from "node:buffer";
import type { Wire } from "../test/raw.ts";
import { dialAny } from "./dial.ts";
import { answered, type Ask, type Reply, type To, written } from "./message.ts";
import type { Origin, Script } from "./origin.ts";
import { type Answered, bounded, readAnswer, type Taken } from "./read.ts";

export interface Case {
  readonly name: string;
  /** What is sent; also what a rule of the allow list may look at. */
  readonly sends?: Ask;
  readonly answers?: Reply;
  /** In place of one request and its answer. */
  readonly play?: (side: Side) => Promise<Seen>;
  /** Milliseconds until a side that says nothing is taken for hung. */
  readonly patience?: number;
}

export type Families = Readonly<Record<string, readonly Case[]>>;

/** What was seen at both ends. */
export interface Seen {
  /** At the origin. */
  readonly requests: readonly Taken[];
  /** At the client; `undefined`: the connection was closed before a head. */
  readonly answer?: Answered | undefined;
  /** What else a case looks at. */
  readonly notes?: Readonly<Record<string, string | number | boolean>>;
}

/** One of the two ways to the origin. */
export interface Side {
  readonly through: boolean;
  readonly origin: Origin;
  readonly patience: number;
  /** A client. */
  connect(): Promise<Wire>;
  /** A request's bytes as this way wants them. */
  request(ask: Ask): [head: Buffer, content: Buffer];
  /** Everything the origin got, waited for. */
  requests(): Promise<Taken[]>;
}

/** A gateway, and how it is spoken to. */
export interface Gateway {
  readonly url: string;
  /** Before every path, `/openai`. */
  readonly prefix?: string;
  /** What clients send it in `Authorization: Bearer`. */
  readonly token: string;
  /** What must reach the origin there. */
  readonly key: string;
  /** What it wants to be told, whole lines; nobody looks whether it hands them on. */
  readonly fields?: readonly string[];
  /** How the names begin of fields that it adds for its own users; recipients ignore what they do not know (RFC 9110 §5.1). */
  readonly own?: string;
}

const PATIENCE = 3_000;

/** Plays a case both ways, first straight. */
export async function playBoth(
  one: Case,
  { origin, gateway }: { origin: Origin; gateway: Gateway },
): Promise<{ direct: Seen; through: Seen }> {
  const { host } = new URL(origin.url);
  const straight = { host, prefix: "", credential: gateway.key, fields: [] };
  const direct = await play(one, origin, { url: origin.url, to: straight });
  const to = {
    host: new URL(gateway.url).host,
    prefix: gateway.prefix ?? "",
    credential: gateway.token,
    fields: gateway.fields ?? [],
  };
  const through = await play(one, origin, { url: gateway.url, to });
  return { direct, through };
}

async function play(
  one: Case,
  origin: Origin,
  { url, to }: { url: string; to: To },
): Promise<Seen> {
  const { patience = PATIENCE } = one;
  const clients: Wire[] = [];
  const side: Side = {
    through: url !== origin.url,
    origin,
    patience,
    async connect() {
      const client = await dialAny(url);
      clients.push(client);
      return client;
    },
    request: (ask) => written(ask, to),
    requests: () =>
      Promise.all(origin.arrivals().map(({ reading }) => reading.taken)),
  };
  try {
    return await (one.play?.(side) ?? exchange(side, one));
  } finally {
    await Promise.all(clients.map((client) => client.close()));
    origin.begin(() => {}, patience);
  }
}

/** One request and its answer. */
export async function exchange(
  side: Side,
  { sends = {}, answers = {} }: Pick<Case, "sends" | "answers"> = {},
): Promise<Seen> {
  side.origin.begin(replying(answers, side.origin.url), side.patience);
  const client = await side.connect();
  const sent = client.write(...side.request(sends));
  const { method } = sends;
  const answer = await readAnswer(client, {
    ...(method !== undefined && { method }),
    patience: side.patience,
  });
  // Bytes behind an answer would be taken for the next one.
  const surplus = client.waiting();
  await bounded(sent, side.patience);
  return { requests: await side.requests(), answer, notes: { surplus } };
}

/** Reads the request, then answers piece by piece. */
export function replying(reply: Reply, url: string): Script {
  return async ({ reading, wire }) => {
    await reading.taken;
    for (const piece of answered(reply, url)) await wire.write(piece);
    if (reply.bare?.length) wire.end();
  };
}
