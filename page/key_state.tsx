/**
 * How a key stands: what it cools for, and what a check has found.
 *
 * @module
 */

import type { JSX } from "preact";
import { clock, count } from "./amounts.ts";
import type { Failure } from "./api.ts";
import { type Actions, type Key, pathOf } from "./key.ts";
import { ask, useNow } from "./parts.tsx";
import { Badge } from "./ui.tsx";

/** What a check has found. */
export interface Checked {
  readonly ok: boolean;
  readonly status: number | null;
  readonly ms: number;
  readonly reason?: string;
  readonly detail?: string;
  readonly models?: number;
  readonly balance?: readonly {
    readonly remaining?: number;
    readonly limit?: number;
    readonly used?: number;
    readonly currency?: string;
  }[];
  readonly hop?: true;
}

/** For which models it is not used now, how long yet, and why. */
export function Cooling(
  { row: { id, cooling }, actions: { api, again }, setFault }: {
    row: Key;
    actions: Pick<Actions, "api" | "again">;
    setFault: (fault: Failure | undefined) => void;
  },
): JSX.Element | null {
  const now = useNow(cooling.length > 0);
  const cool = cooling.filter(({ until }) => Date.parse(until) > now);
  if (cool.length === 0) return null;
  const warm = async () => {
    const said = await ask(api, "POST", `${pathOf(id)}/warm`);
    setFault("fault" in said ? said.fault : undefined);
    await again();
  };
  return (
    <ul class="cooling">
      {cool.map(({ model, until, why, status }) => (
        <li key={model ?? ""}>
          <Badge tone="warn">cooling</Badge> {model ?? "every model"}:{" "}
          {WHY_COOL[why] ?? why}
          {status !== undefined && ` (${status})`}, for another{" "}
          <time dateTime={until}>
            {clock(Math.ceil((Date.parse(until) - now) / 1000))}
          </time>
        </li>
      ))}
      <li>
        <button
          type="button"
          onClick={warm}
          aria-label={`Use it again now: ${id}`}
        >
          Use it again now
        </button>
      </li>
    </ul>
  );
}

/** What an answer of an API says about a key, in plain words. */
const WHY_COOL: Readonly<Record<string, string>> = {
  key: "the API refuses it",
  quota: "what it may use or spend is used up",
  transient: "too fast, or too much for now",
  server: "the API failed",
};

const WHY_NOT: Readonly<Record<string, string>> = {
  ...WHY_COOL,
  region: "the API does not serve this region",
  unreachable: "no answer came",
  timeout: "no answer came in time",
  unreadable: "it is sealed under another secret",
  unconfigured: "its provider is not configured",
  unknown: "the answer says nothing about it",
};

/** What a check has found, in words. */
export function Found({ checked }: { checked: Checked }): JSX.Element {
  const { ok, status, ms, reason = "unknown", detail, models, balance, hop } =
    checked;
  const facts = [
    status !== null && `answered ${status}`,
    `${count(ms)} ms`,
    models !== undefined && `lists ${count(models)} models`,
    ...(balance ?? []).map(said),
    hop && "through the hop, with the key there",
  ].filter(Boolean);
  return (
    <>
      <Badge tone={ok ? "good" : "bad"}>{ok ? "works" : "does not work"}</Badge>
      {" "}
      {!ok && `${WHY_NOT[reason] ?? reason}. `}
      <span class="faint">{facts.join(" · ")}</span>
      {!ok && detail && <q>{detail}</q>}
    </>
  );
}

/** What may be spent. */
function said(
  { remaining, limit, used, currency = "" }: NonNullable<
    Checked["balance"]
  >[number],
): string {
  const of = (amount: number) => `${amount} ${currency}`.trim();
  return [
    remaining !== undefined && `${of(remaining)} left`,
    limit !== undefined && `of ${of(limit)}`,
    used !== undefined && `${of(used)} used`,
  ].filter(Boolean).join(", ");
}
