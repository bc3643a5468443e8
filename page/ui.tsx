/**
 * What all views are made of.
 *
 * @module
 */

import type { ComponentChildren, JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";

export { Lost, useLoaded } from "./loaded.tsx";
export { type Notice, Notices, say, sayFailure } from "./notice.tsx";
export { type Column, Table } from "./table.tsx";

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
