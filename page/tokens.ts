/**
 * Tokens as the page keeps them: all of them, so that a search takes no call.
 *
 * @module
 */

import type { Api } from "./api.ts";

/** Limits of a token: counts a minute, requests at a time, micro-dollars. */
export interface Limits {
  readonly requests?: number;
  readonly tokens?: number;
  readonly concurrency?: number;
  readonly budget?: {
    readonly day?: number;
    readonly month?: number;
    readonly total?: number;
  };
}

/** A token as the API lists it. */
export interface Token {
  readonly id: string;
  readonly last4: string;
  readonly label: string;
  readonly note: string;
  readonly providers: readonly string[];
  readonly models: readonly string[];
  readonly endpoints: readonly string[];
  readonly addresses: readonly string[];
  readonly isolated: boolean;
  readonly abort: "cancel" | "drain";
  readonly exactUsage: boolean;
  readonly clamp: boolean;
  readonly limits: Limits;
  readonly status: "active" | "disabled";
  readonly created: string;
  readonly expires: string | null;
  readonly lastUsed: string | null;
  readonly graceEnds: string | null;
}

/** What a token has cost, micro-dollars. */
export interface Spent {
  readonly day: number;
  readonly month: number;
}

/** Every token, page by page. */
export async function allTokens(api: Api): Promise<readonly Token[]> {
  const all: Token[] = [];
  let cursor: string | undefined;
  do {
    const more = cursor === undefined ? "" : `&cursor=${cursor}`;
    const page: { tokens: Token[]; cursor?: string } = await api.get(
      `/admin/tokens?limit=1000${more}`,
    );
    all.push(...page.tokens);
    cursor = page.cursor;
  } while (cursor !== undefined);
  return all;
}

/** Costs by token, since midnight and since the first of the month, UTC. */
export async function allSpent(api: Api): Promise<ReadonlyMap<string, Spent>> {
  const now = new Date().toISOString();
  const [day, month] = await Promise.all([
    costsSince(api, `${now.slice(0, 10)}T00:00:00Z`),
    costsSince(api, `${now.slice(0, 7)}-01T00:00:00Z`),
  ]);
  return new Map(Array.from(month, ([id, cost]) => [
    id,
    { month: cost, day: day.get(id) ?? 0 },
  ]));
}

async function costsSince(api: Api, since: string) {
  const costs = new Map<string, number>();
  let cursor: string | undefined;
  do {
    const more = cursor === undefined
      ? ""
      : `&cursor=${encodeURIComponent(cursor)}`;
    const page: {
      usage: { token: string; cost: number }[];
      cursor?: string;
    } = await api.get(
      `/admin/usage?by=token&since=${since}&limit=1000${more}`,
    );
    for (const { token, cost } of page.usage) costs.set(token, cost);
    cursor = page.cursor;
  } while (cursor !== undefined);
  return costs;
}

/** What a list is narrowed by. */
export interface Narrowing {
  readonly text: string;
  readonly status: "" | "active" | "disabled" | "expired";
  readonly provider: string;
}

/** Active, disabled, or past its expiry. */
export function stateOf(
  { status, expires }: Token,
): "active" | "disabled" | "expired" {
  if (status === "disabled") return "disabled";
  return expires && Date.parse(expires) <= Date.now() ? "expired" : "active";
}

/** Those that fit: every word of the text in label, note, id or last four. */
export function narrowed(
  tokens: readonly Token[],
  { text, status, provider }: Narrowing,
): readonly Token[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0 && !status && !provider) return tokens;
  return tokens.filter((token) => {
    if (status && stateOf(token) !== status) return false;
    if (provider && !token.providers.includes(provider)) return false;
    const { label, note, id, last4 } = token;
    const all = `${label}\n${note}\n${id}\n${last4}`.toLowerCase();
    return words.every((word) => all.includes(word));
  });
}
