/**
 * One key: who it is, how it stands, and what can be done with it.
 *
 * @module
 */

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { Failure } from "./api.ts";
import { type Actions, type Key, pathOf } from "./key.ts";
import { KeyButtons } from "./key_buttons.tsx";
import { type Checked, Cooling, Found } from "./key_state.tsx";
import { ask, Wrong } from "./parts.tsx";
import { Badge } from "./ui.tsx";

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
      <KeyButtons
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
