/**
 * What an ordinary key is told of the money behind it. Shapes with source and
 * date: test/models/balances.json. Others tell it to keys of another kind (xAI,
 * OpenAI), by the account's name (Fireworks), or nowhere.
 *
 * @module
 */

import type { Balance, BalanceCall } from "../core/check.ts";

type Item = Readonly<Record<string, unknown>>;

/** The calls, by API. */
export const BALANCES = {
  // https://api-docs.deepseek.com/api/get-user-balance, beside /v1
  deepseek: {
    path: "/user/balance",
    read: (answer) =>
      itemsOf(Object(answer).balance_infos).flatMap((item) =>
        told({ remaining: item.total_balance }, item.currency)
      ),
  },
  // https://platform.moonshot.ai/docs/api/balance; its other origin reckons in CNY
  moonshot: {
    path: "/v1/users/me/balance",
    currency: "USD",
    read: (answer) =>
      told({ remaining: Object(Object(answer).data).available_balance }),
  },
  // https://openrouter.ai/docs/api/api-reference/api-keys/get-current-key: the key's own
  openrouter: {
    path: "/v1/key",
    currency: "USD",
    read(answer) {
      const { limit, limit_remaining: remaining, usage: used }: Item = Object(
        Object(answer).data,
      );
      return told({ remaining, limit, used });
    },
  },
} as const satisfies Record<string, BalanceCall>;

function itemsOf(list: unknown): Item[] {
  return Array.isArray(list) ? list.map(Object) : [];
}

/** Nothing where nothing of it is a number. */
function told(said: Item, currency?: unknown): Balance[] {
  const amounts = Object.entries(said).flatMap(([name, value]) => {
    const amount = amountOf(value);
    return amount === undefined ? [] : [[name, amount] as const];
  });
  if (amounts.length === 0) return [];
  const known = typeof currency === "string" && /^[A-Z]{3}$/.test(currency);
  return [{ ...Object.fromEntries(amounts), ...known && { currency } }];
}

/** Some write it as text. */
function amountOf(value: unknown): number | undefined {
  const written = typeof value === "string" && /^-?\d+(?:\.\d+)?$/.test(value);
  const amount = written ? Number(value) : value;
  return typeof amount === "number" && Number.isFinite(amount)
    ? amount
    : undefined;
}
