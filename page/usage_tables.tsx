/**
 * Sums as tables: by what they are split by, and errors by code.
 *
 * @module
 */

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { compact, count, money } from "./amounts.ts";
import type { Api } from "./api.ts";
import { failed, groupOf, type Split, SPLITS } from "./asked.ts";
import { whyOf } from "./errors.ts";
import { Share, useNames } from "./parts.tsx";
import type { UsageSums } from "./series.ts";

const COLUMNS: readonly {
  readonly name: string;
  readonly read: (row: UsageSums) => number;
  readonly show: (value: number) => string;
}[] = [
  { name: "Requests", read: ({ requests }) => requests, show: count },
  { name: "Errors", read: failed, show: count },
  { name: "Input", read: ({ used }) => used.input ?? 0, show: compact },
  { name: "Output", read: ({ used }) => used.output ?? 0, show: compact },
  { name: "Cost", read: ({ cost }) => cost, show: money },
];
/** Rows that are shown before more are asked for. */
const SHOWN = 50;

/** Sums by what they are split by, the largest first. */
export function Groups(
  { api, groups, split, nameOf, more, onToken }: {
    api: Api;
    groups: readonly UsageSums[];
    split: Split;
    nameOf: (group: string) => string;
    more: boolean;
    onToken: ((token: string) => void) | undefined;
  },
): JSX.Element {
  const [by, setBy] = useState("Cost");
  const [shown, setShown] = useState(SHOWN);
  const { read } = COLUMNS.find(({ name }) => name === by)!;
  const sorted = [...groups].sort((a, b) => read(b) - read(a));
  const rows = sorted.slice(0, shown);
  useNames(api, onToken ? rows.map((row) => groupOf(row, split)) : []);
  return (
    <>
      <h3>By {SPLITS[split]}</h3>
      <div
        class="scroll"
        tabIndex={0}
        role="region"
        aria-label={`By ${SPLITS[split]}`}
      >
        <table class="sums">
          <Head split={split} by={by} setBy={setBy} />
          <tbody>
            {rows.map((row) => (
              <GroupRow
                key={groupOf(row, split)}
                {...{ row, nameOf, onToken }}
                group={groupOf(row, split)}
              />
            ))}
          </tbody>
        </table>
      </div>
      <p class="faint">
        {Math.min(shown, sorted.length)} of {count(sorted.length)}
        {more && ", and there are more: the CSV has all of them"}{" "}
        {shown < sorted.length && (
          <button
            type="button"
            onClick={() => setShown(shown + 10 * SHOWN)}
          >
            Show more
          </button>
        )}
      </p>
    </>
  );
}

function Head(
  { split, by, setBy }: {
    split: Split;
    by: string;
    setBy: (by: string) => void;
  },
) {
  return (
    <thead>
      <tr>
        <th scope="col">{SPLITS[split]}</th>
        {COLUMNS.map(({ name }) => (
          <th
            key={name}
            scope="col"
            class="right"
            aria-sort={name === by ? "descending" : undefined}
          >
            <button
              type="button"
              class="quiet"
              onClick={() => setBy(name)}
            >
              {name}
              {name === by ? " ↓" : ""}
            </button>
          </th>
        ))}
        <th scope="col">Estimated</th>
      </tr>
    </thead>
  );
}

function GroupRow(
  { row, group, nameOf, onToken }: {
    row: UsageSums;
    group: string;
    nameOf: (group: string) => string;
    onToken: ((token: string) => void) | undefined;
  },
) {
  return (
    <tr>
      <th scope="row" class="cell">
        {onToken
          ? (
            <button
              type="button"
              class="quiet"
              onClick={() => onToken(group)}
              title="Only this token, by model"
            >
              {nameOf(group)}
            </button>
          )
          : nameOf(group)}
        {nameOf(group) !== group && group !== "" && (
          <code class="faint">{group}</code>
        )}
      </th>
      {COLUMNS.map(({ name, read, show }) => (
        <td key={name} class="right">{show(read(row))}</td>
      ))}
      <td>
        <Share part={row.costGuessed} whole={row.cost} />
      </td>
    </tr>
  );
}

/** What went wrong, how often, and what to do. */
export function Errors({ sum }: { sum: UsageSums }): JSX.Element {
  const codes = Object.entries(sum.errors).sort(([, a], [, b]) => b - a);
  return (
    <>
      <h3>Errors</h3>
      {codes.length === 0
        ? <p class="faint">No request failed in this time.</p>
        : (
          <div
            class="scroll"
            tabIndex={0}
            role="region"
            aria-label="Errors by code"
          >
            <table class="sums">
              <thead>
                <tr>
                  <th scope="col">Code</th>
                  <th scope="col" class="right">Requests</th>
                  <th scope="col">Of all</th>
                  <th scope="col">What it means</th>
                </tr>
              </thead>
              <tbody>
                {codes.map(([code, n]) => (
                  <tr key={code}>
                    <th scope="row">
                      <code>{code}</code>
                    </th>
                    <td class="right">{count(n)}</td>
                    <td>
                      <Share part={n} whole={sum.requests} />
                    </td>
                    <td class="why">{whyOf(code)}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
    </>
  );
}
