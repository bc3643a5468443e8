/**
 * Pause and resume, export and import.
 *
 * @module
 */

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { type Api, Failure } from "../api.ts";
import {
  Field,
  Lost,
  RelativeTime,
  say,
  sayFailure,
  useLoaded,
} from "../ui.tsx";

interface Pause {
  readonly paused: boolean;
  readonly from: string | null;
  readonly until: string | null;
}

/** See above. */
export function Settings({ api }: { api: Api }): JSX.Element {
  return (
    <div class="view">
      <Pausing api={api} />
      <Carrying api={api} />
    </div>
  );
}

function Pausing({ api }: { api: Api }) {
  const { value, failure, again } = useLoaded(
    () => api.get<Pause>("/admin/pause"),
    10_000,
  );
  const [from, setFrom] = useState("");
  const [until, setUntil] = useState("");
  const change = (method: string, body?: unknown) => async () => {
    await api.send(method, "/admin/pause", body).catch(sayFailure);
    await again();
  };
  const moment = (text: string) => new Date(text).toISOString();
  const body = {
    ...from && { from: moment(from) },
    ...until && { until: moment(until) },
  };
  return (
    <section class="card form" aria-label="Pause">
      <h2 class="wide">Pause</h2>
      <p class="wide">{value && <PauseWords pause={value} />}</p>
      <Lost failure={failure} again={again} />
      <Field label="From" hint="Empty: now.">
        <input
          type="datetime-local"
          value={from}
          onInput={({ currentTarget }) => setFrom(currentTarget.value)}
        />
      </Field>
      <Field label="Until" hint="Empty: until you resume.">
        <input
          type="datetime-local"
          value={until}
          onInput={({ currentTarget }) => setUntil(currentTarget.value)}
        />
      </Field>
      <div class="actions wide">
        <button type="button" class="danger" onClick={change("PUT", body)}>
          {from ? "Schedule the pause" : "Pause now"}
        </button>
        <button
          type="button"
          disabled={value?.from == null}
          onClick={change("DELETE")}
        >
          Resume
        </button>
      </div>
    </section>
  );
}

function PauseWords({ pause: { paused, from, until } }: { pause: Pause }) {
  if (from === null) return <>doppel is running: tokens are admitted.</>;
  return (
    <>
      {paused ? "doppel is paused: every token is refused" : "A pause begins "}
      {!paused && <RelativeTime time={from} />}
      {until === null ? ", until you resume it." : (
        <>
          , and ends <RelativeTime time={until} />.
        </>
      )}
    </>
  );
}

interface Exported {
  readonly version: number;
  readonly tokens: unknown[];
  readonly credentials?: unknown[];
  readonly providers?: unknown[];
  readonly aliases?: unknown[];
  readonly cursor?: string;
}

function Carrying({ api }: { api: Api }) {
  const [file, setFile] = useState<{ name: string; table: Exported }>();
  const [error, setError] = useState<string>();
  const read = async (chosen: File | undefined) => {
    setError(undefined);
    setFile(undefined);
    if (!chosen) return;
    const table = parsed(await chosen.text().catch(() => ""));
    if (table) setFile({ name: chosen.name, table });
    else setError("This file is no export of doppel.");
  };
  const bring = async () => {
    try {
      await api.send("POST", "/admin/import", file!.table);
      say({ text: `${file!.name} is imported.` });
      setFile(undefined);
    } catch (failure) {
      if (!(failure instanceof Failure)) throw failure;
      setError(`${failure.message} ${failure.field ?? ""}`);
    }
  };
  return (
    <section class="card form" aria-label="Export and import">
      <h2 class="wide">Export and import</h2>
      <p class="wide">
        Tokens as hashes, keys as they are sealed, providers and aliases: no
        token and no key can be read in it.
      </p>
      <div class="actions wide">
        <button type="button" onClick={() => download(api).catch(sayFailure)}>
          Export
        </button>
      </div>
      <div class="wide">
        <Field label="Import a file" error={error}>
          <input
            type="file"
            accept="application/json,.json"
            onClick={({ currentTarget }) => {
              // The same file, edited since, is another one.
              currentTarget.value = "";
            }}
            onChange={({ currentTarget }) => read(currentTarget.files?.[0])}
          />
        </Field>
      </div>
      {file && (
        <div class="actions wide">
          <span>{file.name}: {contentsOf(file.table)}</span>
          <button type="button" class="main" onClick={bring}>Import</button>
        </div>
      )}
    </section>
  );
}

function contentsOf(table: Exported): string {
  const parts = ["tokens", "credentials", "providers", "aliases"] as const;
  return parts.map((part) => `${table[part]?.length ?? 0} ${part}`).join(", ");
}

function parsed(text: string): Exported | undefined {
  try {
    const table = JSON.parse(text);
    return Array.isArray(table.tokens) ? table : undefined;
  } catch {
    return undefined;
  }
}

/** All pages as one file, made here. */
async function download(api: Api): Promise<void> {
  let whole: Exported | undefined;
  let cursor: string | undefined;
  do {
    const more = cursor === undefined ? "" : `&cursor=${cursor}`;
    const { cursor: next, ...page }: Exported = await api.get(
      `/admin/export?limit=1000${more}`,
    );
    whole = whole
      ? { ...whole, tokens: [...whole.tokens, ...page.tokens] }
      : page;
    cursor = next;
  } while (cursor !== undefined);
  const url = URL.createObjectURL(
    new Blob([JSON.stringify(whole, null, 2)], { type: "application/json" }),
  );
  const link = document.createElement("a");
  link.href = url;
  link.download = `doppel-${new Date().toISOString().slice(0, 10)}.json`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
