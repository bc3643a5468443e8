/** The soak's owner: mints the tokens that clients use, and takes some of them back. */

import type { Holder, Use } from "./soak_judge.ts";

/** Micro-dollars: some hundred calls. */
const BUDGET = 400_000;

/** What tokens are minted with. */
const FIELDS: Partial<Record<Use, Record<string, unknown>>> = {
  drains: { abort: "drain" },
  paced: { limits: { requests: 20 } },
  narrow: { limits: { concurrency: 3 } },
  budget: { limits: { budget: { total: BUDGET } } },
};

export const BUDGET_OF_EACH = BUDGET;

const LASTING: readonly Use[] = [
  "steady",
  "rough",
  "drains",
  "paced",
  "narrow",
];

export interface Owner {
  /** All that there were. */
  readonly holders: readonly Holder[];
  /** One for that use; dead ones are used, too. */
  holderFor(use: Use, roll: () => number): Holder;
  mint(use: Use): Promise<Holder>;
  /** The budget is used up: another token. */
  renewBudget(spent: Holder): void;
  /** Takes back, or mints, or rotates. */
  act(roll: () => number): Promise<void>;
  /** Calls of the owner's that failed. */
  readonly failed: () => number;
}

type Admin = (
  method: string,
  path: string,
  body?: unknown,
) => Promise<unknown>;

export async function openOwner(admin: Admin): Promise<Owner> {
  const holders: Holder[] = [];
  let failed = 0;
  let renewing = false;
  const mint = async (use: Use) => {
    const minted = await admin("POST", "/admin/tokens", {
      label: use,
      providers: ["openai"],
      endpoints: ["all"],
      ...FIELDS[use],
    });
    const { id, token } = minted as { id: string; token: string };
    const holder: Holder = { id, value: token, use };
    holders.push(holder);
    return holder;
  };
  for (const use of [...LASTING, "budget", "fleeting"] as const) {
    await mint(use);
  }
  const unknown: Holder = {
    id: "unknown",
    value: "soak-token-that-nobody-has-minted",
    use: "unknown",
  };
  /** What may have been done although it failed is neither certain. */
  const retire = async (holder: Holder, work: () => Promise<unknown>) => {
    holder.dying ??= Date.now();
    await work();
    holder.dead ??= Date.now();
  };
  const takeBack = async (holder: Holder, roll: number) => {
    const path = `/admin/tokens/${holder.id}`;
    if (roll < 0.3) return await retire(holder, () => admin("DELETE", path));
    if (roll < 0.6) {
      const body = { status: "disabled" };
      return await retire(holder, () => admin("PATCH", path, body));
    }
    await retire(holder, async () => {
      const body = { graceSeconds: 0 };
      const rotated = await admin("POST", `${path}/rotate`, body);
      const { token } = rotated as { token: string };
      holders.push({ id: holder.id, value: token, use: holder.use });
    });
  };
  const living = (use: Use) =>
    holders.filter((holder) => holder.use === use && !holder.dying);
  return {
    holders,
    mint,
    failed: () => failed,
    holderFor(use, roll) {
      if (use === "unknown") return unknown;
      // Some of the dead are asked with again and again.
      const all = holders.filter((holder) => holder.use === use);
      const some = use === "fleeting" && roll() < 0.3 ? all : living(use);
      const last = some.slice(-4);
      return last[Math.floor(roll() * last.length)] ?? all.at(-1)!;
    },
    renewBudget(spent) {
      if (renewing || living("budget").at(-1) !== spent) return;
      renewing = true;
      mint("budget").catch(() => failed++).finally(() => renewing = false);
    },
    async act(roll) {
      try {
        const some = living("fleeting");
        if (some.length < 2 || roll() < 0.4) await mint("fleeting");
        else await takeBack(some[Math.floor(roll() * some.length)]!, roll());
      } catch {
        failed++;
      }
    },
  };
}
