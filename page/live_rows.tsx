/**
 * Requests as rows: those that run, and those that are just over.
 *
 * @module
 */

import type { JSX } from "preact";
import { bytes, duration, money } from "./amounts.ts";
import { whyOf } from "./errors.ts";
import { Badge } from "./ui.tsx";

/** A request, under way or just over. */
export interface Row {
  readonly id: string;
  readonly token: string;
  readonly provider: string;
  readonly model?: string;
  readonly credential?: string;
  readonly method: string;
  readonly path: string;
  readonly began: string;
  readonly bytes: number;
  /** Micro-dollars so far; absent: nobody can tell. */
  readonly cost?: number;
  readonly ms: number;
  readonly instance: string;
  readonly status?: number;
  readonly ending?: string;
  readonly refused?: string;
}

/** Rows of a token one after the other, the longest running first. */
export function byToken(rows: readonly Row[]): Row[] {
  const first = new Map<string, string>();
  for (const { token, began } of rows) {
    const was = first.get(token);
    if (was === undefined || began < was) first.set(token, began);
  }
  const order = (row: Row) =>
    `${first.get(row.token)} ${row.token} ${row.began} ${row.id}`;
  return [...rows].sort((a, b) => order(a) < order(b) ? -1 : 1);
}

/** Those under way, each with the way to end it. */
export function Running(
  { rows, nameOf, asked, onEnd }: {
    rows: readonly Row[];
    nameOf: (token: string) => string;
    asked: ReadonlySet<string>;
    onEnd: (row: Row) => void;
  },
): JSX.Element {
  if (rows.length === 0) {
    return (
      <p class="empty">
        Nothing runs. A request made with a token is here from its first second
        to its last.
      </p>
    );
  }
  return (
    <table class="cards">
      <thead>
        <tr>
          <Head />
          <th scope="col">
            <span class="hidden">End it</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {rows.map((row, i) => (
          <tr key={row.id}>
            <Cells
              row={row}
              name={nameOf(row.token)}
              again={rows[i - 1]?.token === row.token}
            />
            <td class="acts">
              <button
                type="button"
                disabled={asked.has(row.id)}
                aria-label={`End the request of ${nameOf(row.token)}`}
                onClick={() => onEnd(row)}
              >
                {asked.has(row.id) ? "Ending" : "End"}
              </button>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Head() {
  return (
    <>
      <th scope="col">Token</th>
      <th scope="col">Asks for</th>
      <th scope="col" class="right">Time</th>
      <th scope="col" class="right">Bytes</th>
      <th scope="col" class="right">Cost</th>
    </>
  );
}

function Cells(
  { row, name, again }: { row: Row; name: string; again: boolean },
) {
  const { token, provider, model, credential, method, path, cost } = row;
  const title = `${method} ${path}\nbegan ${row.began}\n${
    credential ? `key ${credential}\n` : ""
  }instance ${row.instance}\nrequest ${row.id}`;
  return (
    <>
      <th scope="row" class="cell">
        <span class={again ? "again" : undefined}>{name}</span>
        {name !== token && <code class="faint">{token}</code>}
      </th>
      <td class="cell" title={title}>
        <span>{provider} {model && <b>{model}</b>}</span>
        <code class="faint">{method} {path}</code>
      </td>
      <td class="right" data-label="Time">{duration(row.ms)}</td>
      <td class="right" data-label="Bytes">{bytes(row.bytes)}</td>
      <td class="right" data-label="Cost">
        {cost === undefined
          ? (
            <span title="The model has no price, or nothing was counted yet.">
              –
            </span>
          )
          : money(cost)}
      </td>
    </>
  );
}

/** Those just over. */
export function Ended(
  { rows, nameOf }: {
    rows: readonly Row[];
    nameOf: (token: string) => string;
  },
): JSX.Element {
  if (rows.length === 0) {
    return <p class="empty">Nothing ended in the last minute.</p>;
  }
  return (
    <table class="cards">
      <thead>
        <tr>
          <Head />
          <th scope="col">How it ended</th>
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr key={row.id}>
            <Cells row={row} name={nameOf(row.token)} again={false} />
            <td class="acts">
              <How row={row} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function How({ row: { status, ending, refused } }: { row: Row }) {
  const bad = refused !== undefined || (status ?? 0) >= 400;
  const odd = ending !== undefined && ending !== "complete";
  const code = refused ?? (odd && ending !== "refused" ? ending : "");
  const why = whyOf(code || (bad ? `http_${status}` : ""));
  return (
    <span title={why}>
      <Badge tone={bad ? "bad" : odd ? "warn" : "good"}>
        {[status, code].filter(Boolean).join(" ") || "ended"}
      </Badge>
    </span>
  );
}
