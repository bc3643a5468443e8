/** Five keys of one pool under load: an origin that counts what each is asked, and clients on several doppels. */

import { Agent, createServer, request } from "node:http";
import { keepSecret } from "./evidence.ts";
import { until } from "./subject.ts";

/** What an origin says to a key. */
export type Mood = "serves" | "refuses" | "is poor" | {
  readonly rests: number;
};

/** The keys, by their names, as parts of the whole. */
export const WEIGHTS = { bad: 3, poor: 2, cools: 3, ends: 2, good: 4 } as const;
export type Name = keyof typeof WEIGHTS;
export const NAMES = Object.keys(WEIGHTS) as Name[];

export const keyOf = (name: Name) => `sk-canary-load-${name}-91c4`;
for (const name of NAMES) keepSecret(keyOf(name));

/** What reached the origin. */
export interface Visit {
  readonly id: string;
  readonly key: Name;
  readonly served: boolean;
}

export type LoadOrigin = Awaited<ReturnType<typeof startLoadOrigin>>;

const REFUSALS = {
  "refuses": [401, "invalid_api_key"],
  "is poor": [429, "insufficient_quota"],
} as const;

export async function startLoadOrigin() {
  const moods: Record<Name, Mood> = {
    ...{ bad: "refuses", poor: "is poor" },
    ...{ cools: "serves", ends: "serves", good: "serves" },
  };
  const visits: Visit[] = [];
  const byKey = new Map(NAMES.map((name) => [`Bearer ${keyOf(name)}`, name]));
  const server = createServer(async (asked, answer) => {
    const chunks: Uint8Array[] = [];
    for await (const chunk of asked) chunks.push(chunk);
    const { user } = JSON.parse(await new Blob(chunks as BlobPart[]).text());
    const key = byKey.get(asked.headers.authorization ?? "")!;
    const mood = moods[key];
    const served = mood === "serves";
    visits.push({ id: user, key, served });
    const type = { "content-type": "application/json" };
    if (served) return void answer.writeHead(200, type).end("{}");
    const [status, code] = typeof mood === "string"
      ? REFUSALS[mood]
      : [429, "quota_exceeded"] as const;
    const rest = typeof mood === "object" && { "retry-after": `${mood.rests}` };
    answer.writeHead(status, { ...type, ...rest })
      .end(JSON.stringify({ error: { message: "No.", code } }));
  }).listen(0, "127.0.0.1");
  await until(() => server.address() ?? undefined);
  const { port } = server.address() as { port: number };
  return {
    url: `http://127.0.0.1:${port}`,
    visits,
    moods,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** One request: of a conversation, or of none. */
export interface Ask {
  readonly id: string;
  readonly conversation?: string;
}

const agent = new Agent({ keepAlive: true, maxSockets: Infinity });

export const closeClients = () => agent.destroy();

/** The status; 0 where there was none. */
export function post(
  url: string,
  token: string,
  { id, conversation }: Ask,
): Promise<number> {
  const path = conversation ? "/v1/chat/completions" : "/v1/embeddings";
  const body = JSON.stringify({
    model: "m",
    user: id,
    ...conversation ? { prompt_cache_key: conversation } : { input: "x" },
  });
  return new Promise((resolve) => {
    const asked = request(`${url}${path}`, {
      method: "POST",
      agent,
      headers: {
        authorization: `Bearer ${token}`,
        "content-type": "application/json",
        "content-length": body.length,
      },
    }, (answer) => {
      answer.resume();
      answer.on("end", () => resolve(answer.statusCode!));
      answer.on("error", () => resolve(0));
    });
    asked.on("error", () => resolve(0));
    asked.end(body);
  });
}

/** Requests under way at each doppel. */
export const AT_ONCE = 16;

/** Sends all, `AT_ONCE` at a time to each of the doppels; the statuses that are not 200. */
export async function sendAll(
  asks: readonly Ask[],
  urls: readonly string[],
  token: string,
): Promise<number[]> {
  const wrong: number[] = [];
  let next = 0;
  const worker = async (url: string) => {
    for (let ask = asks[next++]; ask; ask = asks[next++]) {
      const status = await post(url, token, ask);
      if (status !== 200) wrong.push(status);
    }
  };
  await Promise.all(
    urls.flatMap((url) => Array.from({ length: AT_ONCE }, () => worker(url))),
  );
  return wrong;
}

/** The largest distance between a share of the visits and a key's part of the weights. */
export function deviation(
  visits: readonly Visit[],
  healthy: readonly Name[],
): number {
  const whole = healthy.reduce((sum, name) => sum + WEIGHTS[name], 0);
  return Math.max(...NAMES.map((name) => {
    const share = visits.filter(({ key }) => key === name).length /
      visits.length;
    const part = healthy.includes(name) ? WEIGHTS[name] / whole : 0;
    return Math.abs(share - part);
  }));
}
