/**
 * What all views are made of.
 *
 * @module
 */

import type { ComponentChildren, JSX } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { Failure } from "./api.ts";

/** A column of a {@linkcode Table}. */
export interface Column<Row> {
  readonly id: string;
  readonly title: string;
  readonly cell: (row: Row) => ComponentChildren;
  /** Absent: it cannot be sorted by. */
  readonly sort?: (row: Row) => string | number;
  /** To the right, for numbers. */
  readonly right?: boolean;
}

/** Pixels of a row; only the rows in view are there. */
const ROW = 40;
const BEYOND = 8;

/** Rows, as many as there are: those out of view are space. */
export function Table<Row>(
  { rows, columns, keyOf, label, sorted, onSort, selected, onSelect, empty }: {
    rows: readonly Row[];
    columns: readonly Column<Row>[];
    keyOf: (row: Row) => string;
    label: string;
    sorted?: { readonly by: string; readonly down: boolean };
    onSort?: (by: string) => void;
    selected?: ReadonlySet<string>;
    onSelect?: (keys: readonly string[], on: boolean) => void;
    empty?: ComponentChildren;
  },
): JSX.Element {
  const box = useRef<HTMLDivElement>(null);
  const [from, setFrom] = useState(0);
  const [height, setHeight] = useState(600);
  useLayoutEffect(() => {
    const measure = () => setHeight(box.current?.clientHeight || 600);
    measure();
    addEventListener("resize", measure);
    return () => removeEventListener("resize", measure);
  }, []);
  const first = Math.max(0, Math.floor(from / ROW) - BEYOND);
  const last = Math.min(
    rows.length,
    Math.ceil((from + height) / ROW) + BEYOND,
  );
  const shown = rows.slice(first, last);
  const all = rows.length > 0 && rows.every((row) => selected?.has(keyOf(row)));
  if (rows.length === 0 && empty) return <div class="empty">{empty}</div>;
  return (
    <div
      class="table"
      ref={box}
      tabIndex={0}
      role="region"
      aria-label={label}
      onScroll={({ currentTarget }) => setFrom(currentTarget.scrollTop)}
    >
      <table aria-rowcount={rows.length + 1} aria-label={label}>
        <thead>
          <tr>
            {onSelect && (
              <th class="tick">
                <input
                  type="checkbox"
                  aria-label="Select all"
                  checked={all}
                  onChange={() => onSelect(rows.map(keyOf), !all)}
                />
              </th>
            )}
            {columns.map(({ id, title, sort, right }) => (
              <th
                key={id}
                class={right ? "right" : ""}
                aria-sort={sorted?.by !== id
                  ? "none"
                  : sorted.down
                  ? "descending"
                  : "ascending"}
              >
                {sort && onSort
                  ? (
                    <button
                      type="button"
                      class="sort"
                      onClick={() => onSort(id)}
                    >
                      {title}
                      <span aria-hidden="true">
                        {sorted?.by === id ? (sorted.down ? " ↓" : " ↑") : ""}
                      </span>
                    </button>
                  )
                  : title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          <Space rows={first} />
          {shown.map((row, n) => {
            const key = keyOf(row);
            return (
              <tr key={key} aria-rowindex={first + n + 2}>
                {onSelect && (
                  <td class="tick">
                    <input
                      type="checkbox"
                      aria-label={`Select ${key}`}
                      checked={selected?.has(key) ?? false}
                      onChange={() => onSelect([key], !selected?.has(key))}
                    />
                  </td>
                )}
                {columns.map(({ id, cell, right }) => (
                  <td key={id} class={right ? "right" : ""}>{cell(row)}</td>
                ))}
              </tr>
            );
          })}
          <Space rows={rows.length - last} />
        </tbody>
      </table>
    </div>
  );
}

function Space({ rows }: { rows: number }) {
  return rows > 0
    ? <tr aria-hidden="true" class="space" style={{ height: rows * ROW }} />
    : null;
}

/** A dialog over the page; Escape closes it. */
export function Dialog(
  { title, onClose, children }: {
    title: string;
    onClose: () => void;
    children: ComponentChildren;
  },
): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    dialog.current?.showModal();
    return () => dialog.current?.close();
  }, []);
  return (
    <dialog
      ref={dialog}
      aria-label={title}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
    >
      <header>
        <h2>{title}</h2>
        <button
          type="button"
          class="quiet"
          aria-label="Close"
          onClick={onClose}
        >
          ×
        </button>
      </header>
      {children}
    </dialog>
  );
}

/** A labelled field; `error` is said beside it. */
export function Field(
  { label, hint, error, children }: {
    label: string;
    hint?: string;
    error?: string | undefined;
    children: ComponentChildren;
  },
): JSX.Element {
  return (
    <label class={error ? "field wrong" : "field"}>
      <span>{label}</span>
      {children}
      {error
        ? <small class="error" role="alert">{error}</small>
        : hint && <small>{hint}</small>}
    </label>
  );
}

/** A word in a frame. */
export function Badge(
  { tone = "plain", children }: {
    tone?: "plain" | "good" | "bad" | "warn";
    children: ComponentChildren;
  },
): JSX.Element {
  return <span class={`badge ${tone}`}>{children}</span>;
}

/** How much of a whole is used. */
export function Bar(
  { used, of, label }: { used: number; of: number; label: string },
): JSX.Element {
  return (
    <span class="bar">
      <progress
        class={used >= of ? "full" : ""}
        value={Math.min(used, of)}
        max={of || 1}
        aria-label={label}
      />
      <small>{label}</small>
    </span>
  );
}

const UNITS: [Intl.RelativeTimeFormatUnit, number][] = [
  ["year", 31_536_000],
  ["month", 2_592_000],
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
  ["second", 1],
];
const RELATIVE = new Intl.RelativeTimeFormat("en", { numeric: "auto" });

/** A moment as people say it; the exact one on hover. */
export function RelativeTime(
  { time, never = "never" }: {
    time: string | null | undefined;
    never?: string;
  },
): JSX.Element {
  if (!time) return <span class="faint">{never}</span>;
  const seconds = (Date.parse(time) - Date.now()) / 1000;
  const [unit, size] = UNITS.find(([, size]) => Math.abs(seconds) >= size) ??
    ["second", 1];
  const words = RELATIVE.format(Math.round(seconds / size), unit);
  return <time dateTime={time} title={time}>{words}</time>;
}

/** Nothing is there yet, and what to do about it. */
export function Empty(
  { title, children }: { title: string; children?: ComponentChildren },
): JSX.Element {
  return (
    <div class="empty">
      <h3>{title}</h3>
      {children}
    </div>
  );
}

/** Copies a text. */
export function Copy(
  { text, label = "Copy" }: { text: string; label?: string },
): JSX.Element {
  const [done, setDone] = useState(false);
  return (
    <button
      type="button"
      onClick={async () => {
        await navigator.clipboard.writeText(text);
        setDone(true);
        setTimeout(() => setDone(false), 2000);
      }}
    >
      {done ? "Copied" : label}
    </button>
  );
}

/** A short word at the foot of the page. */
export interface Notice {
  readonly text: string;
  readonly bad?: boolean;
  /** Takes it back, as long as the word stands. */
  readonly undo?: () => void;
  /** Done when it goes without having been taken back. */
  readonly done?: () => void;
}

interface Standing extends Notice {
  readonly id: number;
}

/** Milliseconds that a word stands. */
const STANDS = 8_000;
let notices: readonly Standing[] = [];
let heard: (all: readonly Standing[]) => void = () => {};
let count = 0;

/** Says something. */
export function say(notice: Notice): void {
  const standing = { ...notice, id: ++count };
  show([...notices, standing]);
  setTimeout(() => {
    if (!notices.includes(standing)) return;
    show(notices.filter((one) => one !== standing));
    standing.done?.();
  }, STANDS);
}

/** Says what went wrong. */
export function sayFailure(error: unknown): void {
  const text = error instanceof Failure
    ? error.message
    : "The page failed. Reload it.";
  if (!(error instanceof Failure)) console.error(error);
  say({ text, bad: true });
}

function show(all: readonly Standing[]) {
  notices = all;
  heard(all);
}

/** Where they are said. */
export function Notices(): JSX.Element {
  const [all, setAll] = useState(notices);
  useEffect(() => void (heard = setAll), []);
  return (
    <div class="notices" role="status" aria-live="polite">
      {all.map((one) => (
        <div key={one.id} class={one.bad ? "notice bad" : "notice"}>
          <span>{one.text}</span>
          {one.undo && (
            <button
              type="button"
              onClick={() => {
                show(notices.filter(({ id }) => id !== one.id));
                one.undo!();
              }}
            >
              Undo
            </button>
          )}
          <button
            type="button"
            class="quiet"
            aria-label="Dismiss"
            onClick={() => {
              show(notices.filter(({ id }) =>
                id !== one.id
              ));
              one.done?.();
            }}
          >
            ×
          </button>
        </div>
      ))}
    </div>
  );
}

/** What is loaded, and again every so often; the last good one stands while doppel does not answer. */
export function useLoaded<Value>(
  load: () => Promise<Value>,
  every = 0,
): {
  readonly value: Value | undefined;
  readonly failure: Failure | undefined;
  readonly again: () => Promise<void>;
} {
  const [value, setValue] = useState<Value>();
  const [failure, setFailure] = useState<Failure>();
  const latest = useRef(load);
  latest.current = load;
  const again = async () => {
    try {
      setValue(await latest.current());
      setFailure(undefined);
    } catch (error) {
      if (error instanceof Failure) setFailure(error);
      else sayFailure(error);
    }
  };
  useEffect(() => {
    again();
    if (every === 0) return;
    const timer = setInterval(() => {
      if (!document.hidden) again();
    }, every);
    return () => clearInterval(timer);
  }, []);
  return { value, failure, again };
}

/** That it did not answer, while what is shown may be old. */
export function Lost(
  { failure, again }: {
    failure: Failure | undefined;
    again: () => Promise<void>;
  },
): JSX.Element | null {
  return failure
    ? (
      <p class="lost" role="alert">
        {failure.message}{" "}
        <button type="button" onClick={again}>Try again</button>
      </p>
    )
    : null;
}
