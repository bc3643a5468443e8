/**
 * Usage: requests, tokens and cost over time and by what they are split by.
 *
 * @module
 */

import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { compact, count, money, share } from "../amounts.ts";
import { type Api, Failure } from "../api.ts";
import {
  type Asked,
  drawn,
  failed,
  first,
  type Loaded,
  loadUsage,
  type Part,
  pathOf,
  type Split,
  SPLITS,
  sumOf,
  tokensOf,
} from "../asked.ts";
import { TimeChart } from "../chart.tsx";
import { download, Select, useAnswer, useNames } from "../parts.tsx";
import type { Step, UsageSums } from "../series.ts";
import { Empty, Lost, sayFailure } from "../ui.tsx";
import { Errors, Groups } from "../usage_tables.tsx";

/** What was used. */
export function Usage({ api }: { api: Api }): JSX.Element {
  const [asked, setAsked] = useState<Asked>(FIRST);
  const { value, failure, busy, again } = useAnswer(
    () => loadUsage(api.get, asked, Date.now()),
    asked,
  );
  return (
    <section class="view flow">
      <header class="head">
        <h2>Usage</h2>
        <button type="button" onClick={again} disabled={busy}>Refresh</button>
        <Csv api={api} asked={asked} />
      </header>
      <Controls asked={asked} onChange={setAsked} />
      <Lost failure={failure && kindly(failure, asked)} again={again} />
      {value && (
        <Found
          api={api}
          loaded={value}
          onToken={(token) => setAsked({ ...asked, token, split: "model" })}
        />
      )}
    </section>
  );
}

/** An older doppel does not count by key. */
function kindly(failure: Failure, { split }: Asked): Failure {
  const old = split === "credential" && failure.status === 400 &&
    failure.message.startsWith("by must be");
  return old
    ? new Failure(
      400,
      "This doppel has no usage by key: it is older than this page.",
    )
    : failure;
}

const FIRST: Asked = { hours: 24, step: "hour", split: "none", token: "" };

const RANGES: Readonly<
  Record<string, { name: string; steps: readonly Step[] }>
> = {
  24: { name: "24 hours", steps: ["hour"] },
  168: { name: "7 days", steps: ["hour", "day"] },
  720: { name: "30 days", steps: ["day", "hour"] },
  2160: { name: "90 days", steps: ["day"] },
  8760: { name: "a year", steps: ["day"] },
};

function Controls(
  { asked, onChange }: { asked: Asked; onChange: (asked: Asked) => void },
) {
  const [token, setToken] = useState(asked.token);
  useEffect(() => setToken(asked.token), [asked.token]);
  const wrong = token !== "" && !/^[0-9A-Za-z]{8}$/.test(token);
  const take = () => {
    if (!wrong && token !== asked.token) onChange({ ...asked, token });
  };
  const { steps } = RANGES[asked.hours]!;
  return (
    <form
      class="controls"
      onSubmit={(event) => (event.preventDefault(), take())}
    >
      <Select
        label="The last"
        value={`${asked.hours}`}
        options={Object.entries(RANGES).map((
          [value, { name }],
        ) => [value, name])}
        onChange={(value) =>
          onChange({
            ...asked,
            hours: Number(value),
            step: RANGES[value]!.steps[0]!,
          })}
      />
      <Select
        label="By"
        value={asked.step}
        options={steps.map((step) => [step, step])}
        onChange={(step) => onChange({ ...asked, step: step as Step })}
      />
      <Select
        label="Split by"
        value={asked.split}
        options={Object.entries(SPLITS)}
        onChange={(split) => onChange({ ...asked, split: split as Split })}
      />
      <label>
        <span>Only the token</span>
        <input
          value={token}
          placeholder="public id"
          size={10}
          maxLength={8}
          spellcheck={false}
          aria-invalid={wrong}
          onInput={({ currentTarget }) => setToken(currentTarget.value.trim())}
          onBlur={take}
        />
      </label>
    </form>
  );
}

function Csv({ api, asked }: { api: Api; asked: Asked }) {
  const [busy, setBusy] = useState(false);
  const by = asked.split === "none"
    ? asked.step
    : `${asked.step},${asked.split}`;
  const name = `doppel-usage-by-${by.replace(",", "-")}.csv`;
  return (
    <button
      type="button"
      disabled={busy}
      onClick={async () => {
        setBusy(true);
        const failure = await download(api, {
          path: pathOf(asked, { by, now: Date.now() }),
          accept: "text/csv",
          name,
        });
        if (failure) sayFailure(failure);
        setBusy(false);
      }}
    >
      Download CSV
    </button>
  );
}

const REQUESTS: readonly Part[] = [
  { name: "answered", read: (row) => Math.max(0, row.requests - failed(row)) },
  { name: "errors", read: failed },
];
const TOKENS: readonly Part[] = [
  { name: "input", read: ({ used }) => used.input ?? 0 },
  { name: "output", read: ({ used }) => used.output ?? 0 },
];
const COST: readonly Part[] = [
  { name: "measured", read: ({ cost, costGuessed }) => cost - costGuessed },
  { name: "estimated", read: ({ costGuessed }) => costGuessed, guessed: true },
];

function Found(
  { api, loaded, onToken }: {
    api: Api;
    loaded: Loaded;
    onToken: (token: string) => void;
  },
) {
  const { asked: { split, step }, over, groups, both, more } = loaded;
  const names = useNames(api, split === "token" ? first(groups, split) : []);
  const nameOf = (group: string) =>
    names.get(group) ?? (group || "(none named)");
  const sum = sumOf(over);
  const chart = (title: string, parts: readonly Part[]) => (
    <TimeChart
      title={title}
      step={step}
      format={title === "Cost" ? money : compact}
      whole={title !== "Cost"}
      {...drawn(loaded, { parts, nameOf })}
    />
  );
  return (
    <>
      <Totals sum={sum} />
      {sum.requests === 0 && (
        <Empty title="Nothing was used in this time">
          Mint a token and make a request with it: it is counted here within a
          second or two.
        </Empty>
      )}
      <div class="charts">
        {chart("Requests", REQUESTS)}
        {chart("Tokens", TOKENS)}
        {chart("Cost", COST)}
      </div>
      {split !== "none" && both === undefined && (
        <p class="faint">
          There are too many of them to be drawn by themselves: the charts show
          all together.
        </p>
      )}
      {split !== "none" && (
        <Groups
          {...{ api, groups, split, nameOf, more }}
          onToken={split === "token" ? onToken : undefined}
        />
      )}
      <Errors sum={sum} />
    </>
  );
}

function Totals({ sum }: { sum: UsageSums }) {
  const { requests, used, cost, costGuessed, unpriced } = sum;
  const errors = failed(sum);
  return (
    <dl class="totals">
      <div>
        <dt>Requests</dt>
        <dd>{count(requests)}</dd>
        <dd class="faint">{count(errors)} errors, {share(errors, requests)}</dd>
      </div>
      <div>
        <dt>Tokens</dt>
        <dd title={count(tokensOf(sum))}>{compact(tokensOf(sum))}</dd>
        <dd class="faint">
          {compact(used.input ?? 0)} in, {compact(used.output ?? 0)} out
        </dd>
      </div>
      <div>
        <dt>Cost</dt>
        <dd>{money(cost)}</dd>
        <dd class="faint">
          {unpriced > 0
            ? `${count(unpriced)} requests without a price`
            : "every request has a price"}
        </dd>
      </div>
      <div>
        <dt>Estimated</dt>
        <dd>{share(costGuessed, cost)}</dd>
        <dd class="faint">{money(costGuessed)} was not measured</dd>
      </div>
    </dl>
  );
}
