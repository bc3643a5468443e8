/**
 * One key: who it is, how it stands, and what can be done with it.
 *
 * @module
 */

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { clock, count } from "./amounts.ts";
import type { Api, Failure } from "./api.ts";
import { ask, useNow, Wrong } from "./parts.tsx";
import { Badge, say } from "./ui.tsx";

/** A credential as it is listed. */
export interface Key {
  readonly id: string;
  readonly provider: string;
  readonly source: "stored" | "environment";
  readonly tail: string;
  readonly note: string;
  readonly kind: "paid" | "free";
  readonly weight: number;
  readonly priority: number;
  readonly models: readonly string[];
  readonly status: "active" | "disabled" | "unreadable";
  readonly expires: string | null;
  readonly cooling: readonly {
    readonly model: string | null;
    readonly until: string;
    readonly why: string;
    readonly status?: number;
  }[];
}

/** What can be done with a row. */
export interface Actions {
  readonly api: Api;
  readonly again: () => Promise<void>;
  readonly edit: (key: Key) => void;
  readonly hold: (on: boolean) => void;
  readonly step: (by: -1 | 1) => void;
  readonly weigh: (weight: number) => void;
}

interface Checked {
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

/** The path of one key. */
export function pathOf(id: string): string {
  return `/admin/credentials/${encodeURIComponent(id)}`;
}

/** One row. */
export function KeyRow(
  { row, unsaved, joined, drop, actions }: {
    row: Key;
    unsaved: boolean;
    joined: boolean;
    drop: {
      readonly onDragOver: (event: DragEvent) => void;
      readonly onDrop: (event: DragEvent) => void;
    };
    actions: Actions;
  },
): JSX.Element {
  const [fault, setFault] = useState<Failure>();
  const [checked, setChecked] = useState<Checked | "busy" | undefined>();
  const check = async () => {
    setChecked("busy");
    setFault(undefined);
    const said = await ask<Checked>(
      actions.api,
      "GET",
      `${pathOf(row.id)}/check`,
    );
    setChecked("value" in said ? said.value : undefined);
    if ("fault" in said) setFault(said.fault);
  };
  return (
    <li class={`key${joined ? " over" : ""}`} {...drop}>
      <Handle row={row} actions={actions} />
      <div class="who">
        <b>{row.id}</b> {row.tail && <code class="faint">…{row.tail}</code>}
        <Badges row={row} unsaved={unsaved} />
        <About row={row} />
      </div>
      <Weight row={row} weigh={actions.weigh} />
      <Buttons
        row={row}
        actions={actions}
        setFault={setFault}
        check={check}
        busy={checked === "busy"}
      />
      <Cooling row={row} actions={actions} setFault={setFault} />
      <div class="said" role="status">
        {checked === "busy" && <span class="faint">Asking the API.</span>}
        {checked && checked !== "busy" && <Found checked={checked} />}
      </div>
      {fault && <Wrong fault={fault} />}
    </li>
  );
}

function Handle({ row: { id, source }, actions }: {
  row: Key;
  actions: Actions;
}) {
  if (source === "environment") {
    return (
      <span
        class="handle fixed"
        title="The environment's keys are always asked first."
      />
    );
  }
  return (
    <span class="handle">
      <button
        type="button"
        id={`handle-${id}`}
        class="grip"
        draggable
        aria-label={`Move ${id}: drag, or arrow keys`}
        title="Drag, or press the arrow keys"
        onDragStart={(event) => {
          event.dataTransfer?.setData("text/plain", id);
          actions.hold(true);
        }}
        onDragEnd={() => actions.hold(false)}
        onKeyDown={(event) => {
          const by = { ArrowUp: -1, ArrowDown: 1 }[event.key];
          if (by === undefined) return;
          event.preventDefault();
          actions.step(by as -1 | 1);
        }}
      >
        ⠿
      </button>
      <button
        type="button"
        class="quiet"
        aria-label={`${id} earlier`}
        onClick={() => actions.step(-1)}
      >
        ↑
      </button>
      <button
        type="button"
        class="quiet"
        aria-label={`${id} later`}
        onClick={() => actions.step(1)}
      >
        ↓
      </button>
    </span>
  );
}

function Badges({ row, unsaved }: { row: Key; unsaved: boolean }) {
  const { source, kind, status, expires } = row;
  const over = expires !== null && Date.parse(expires) <= Date.now();
  return (
    <span class="badges">
      {source === "environment" && <Badge>environment</Badge>}
      {kind === "free" && <Badge>free</Badge>}
      {status === "disabled" && <Badge tone="bad">disabled</Badge>}
      {status === "unreadable" && (
        <span title="It is sealed under another SEAL_SECRET: set that as SEAL_SECRET_PREVIOUS, or replace the key.">
          <Badge tone="bad">unreadable</Badge>
        </span>
      )}
      {over && <Badge tone="bad">expired</Badge>}
      {unsaved && <Badge tone="warn">unsaved</Badge>}
    </span>
  );
}

function About({ row: { note, models, expires } }: { row: Key }) {
  const said = [
    models.length > 0 && `only ${models.join(", ")}`,
    expires && `until ${expires.slice(0, 10)}`,
    note,
  ].filter(Boolean);
  return said.length > 0 && <small class="faint">{said.join(" · ")}</small>;
}

function Weight(
  { row: { id, weight, source }, weigh }: {
    row: Key;
    weigh: (weight: number) => void;
  },
) {
  if (source === "environment") return <span />;
  return (
    <label class="weight">
      <span>weight</span>
      <input
        type="number"
        min={1}
        max={1000}
        step={1}
        value={weight}
        aria-label={`Weight of ${id}`}
        onChange={({ currentTarget }) => {
          if (currentTarget.validity.valid && currentTarget.value !== "") {
            weigh(currentTarget.valueAsNumber);
          } else currentTarget.value = `${weight}`;
        }}
      />
    </label>
  );
}

function Buttons(
  { row, actions: { api, again, edit }, setFault, check, busy }: {
    row: Key;
    actions: Actions;
    setFault: (fault: Failure | undefined) => void;
    check: () => void;
    busy: boolean;
  },
) {
  const { id, source, status } = row;
  const put = async (body: unknown) => {
    const said = await ask(api, "PUT", pathOf(id), body);
    setFault("fault" in said ? said.fault : undefined);
    await again();
    return !("fault" in said);
  };
  const remove = async () => {
    const was = status === "disabled" ? "disabled" : "active";
    if (!await put({ status: "disabled" })) return;
    say({
      text: `${id} is disabled, and will be deleted.`,
      undo: () => void put({ status: was }),
      async done() {
        const said = await ask(api, "DELETE", pathOf(id));
        if ("fault" in said && said.fault.status !== 404) {
          say({ text: `${id}: ${said.fault.message}`, bad: true });
        }
        await again();
      },
    });
  };
  return (
    <span class="actions">
      <button
        type="button"
        disabled={busy}
        onClick={check}
        aria-label={`Check now: ${id}`}
      >
        Check now
      </button>
      {source === "stored" && (
        <>
          <button
            type="button"
            onClick={() => edit(row)}
            aria-label={`Edit ${id}`}
          >
            Edit
          </button>
          <button
            type="button"
            disabled={status === "unreadable"}
            onClick={() =>
              put({ status: status === "disabled" ? "active" : "disabled" })}
            aria-label={`${status === "disabled" ? "Enable" : "Disable"} ${id}`}
          >
            {status === "disabled" ? "Enable" : "Disable"}
          </button>
          <button
            type="button"
            class="danger"
            onClick={remove}
            aria-label={`Delete ${id}`}
          >
            Delete
          </button>
        </>
      )}
    </span>
  );
}

function Cooling(
  { row: { id, cooling }, actions: { api, again }, setFault }: {
    row: Key;
    actions: Actions;
    setFault: (fault: Failure | undefined) => void;
  },
) {
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

function Found({ checked }: { checked: Checked }) {
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
