/**
 * What several views are made of: loading, faults, names of tokens, small
 * controls.
 *
 * @module
 */

import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { share } from "./amounts.ts";
import { type Api, Failure } from "./api.ts";

/** An answer, or why there is none. */
export type Said<Answer> = { readonly value: Answer } | {
  readonly fault: Failure;
};

/** Asks once; what fails is a value. */
export async function ask<Answer>(
  api: Api,
  method: string,
  path: string,
  body?: unknown,
): Promise<Said<Answer>> {
  try {
    const value = method === "GET"
      ? await api.get<Answer>(path)
      : await api.send<Answer>(method, path, body);
    return { value };
  } catch (error) {
    return { fault: faultOf(error) };
  }
}

/** What the page says of what was thrown. */
export function faultOf(error: unknown): Failure {
  if (error instanceof Failure) return error;
  console.error(error);
  return new Failure(-1, "The page failed. Reload it.");
}

/** Answers one question, and again where it changes; what came last stays until there is something new. */
export function useAnswer<Value>(
  load: () => Promise<Value>,
  question: unknown,
): {
  readonly value: Value | undefined;
  readonly failure: Failure | undefined;
  readonly busy: boolean;
  readonly again: () => Promise<void>;
} {
  const [value, setValue] = useState<Value>();
  const [failure, setFailure] = useState<Failure>();
  const [busy, setBusy] = useState(true);
  const turn = useRef(0);
  const again = async () => {
    const mine = ++turn.current;
    setBusy(true);
    try {
      const next = await load();
      if (mine !== turn.current) return;
      setValue(() => next);
      setFailure(undefined);
    } catch (error) {
      if (mine !== turn.current) return;
      setFailure(faultOf(error));
    }
    setBusy(false);
  };
  useEffect(() => {
    again();
    return () => void turn.current++;
  }, [question]);
  return { value, failure, busy, again };
}

/** What failed; a path that is not there is one of a newer doppel. */
export function Wrong({ fault }: { fault: Failure }): JSX.Element {
  const { status, message } = fault;
  const old = status === 404 && message.includes("no such path");
  return (
    <p class="lost" role="alert">
      {message}
      {old && " This doppel is older than this page."}
    </p>
  );
}

/** Most names that are remembered. */
const MOST_NAMES = 20_000;
/** Names that are asked for at once, and how many more it takes for the list to be read instead. */
const AT_ONCE = 6;
const FEW = 30;
/** Labels of tokens by public id, whichever view has asked: a token's label is no secret, and goes with the page. */
const NAMES = new Map<string, string>();

/** Labels of tokens, as far as they are known by now; what is gone has none. */
export function useNames(
  api: Api,
  ids: readonly string[],
): ReadonlyMap<string, string> {
  const [, redraw] = useState(0);
  const wanted = [...new Set(ids)].filter((id) => id && !NAMES.has(id)).join();
  useEffect(() => {
    let over = false;
    const queue = wanted.split(",").filter(Boolean);
    if (queue.length === 0) return;
    const asking = queue.length > FEW ? readAll(api, queue) : Promise.all(
      Array.from({ length: AT_ONCE }, () => readEach(api, queue)),
    );
    asking.then(() => over || redraw((n) => n + 1));
    return () => void (over = true);
  }, [api, wanted]);
  return NAMES;
}

interface Named {
  readonly id: string;
  readonly label: string;
}

async function readEach(api: Api, queue: string[]) {
  for (let id = queue.shift(); id; id = queue.shift()) {
    const said = await ask<Named>(api, "GET", `/admin/tokens/${id}`);
    if ("value" in said) remember(id, said.value.label);
    else if (said.fault.status === 404) remember(id, `${id} (deleted)`);
    else return;
  }
}

async function readAll(api: Api, wanted: readonly string[]) {
  const found = new Map<string, string>();
  let rest = "";
  do {
    const path = `/admin/tokens?limit=1000${rest}`;
    const said = await ask<{ tokens: Named[]; cursor?: string }>(
      api,
      "GET",
      path,
    );
    if ("fault" in said) return;
    for (const { id, label } of said.value.tokens) found.set(id, label);
    const { cursor } = said.value;
    rest = cursor === undefined ? "" : `&cursor=${encodeURIComponent(cursor)}`;
  } while (rest !== "");
  for (const id of wanted) remember(id, found.get(id) ?? `${id} (deleted)`);
}

function remember(id: string, name: string) {
  NAMES.set(id, name);
  if (NAMES.size <= MOST_NAMES) return;
  NAMES.delete(NAMES.keys().next().value!);
}

/** A choice among few. */
export function Select(
  { label, value, options, onChange }: {
    label: string;
    value: string;
    options: readonly (readonly [value: string, name: string])[];
    onChange: (value: string) => void;
  },
): JSX.Element {
  return (
    <label>
      <span>{label}</span>
      <select
        value={value}
        onChange={({ currentTarget }) => onChange(currentTarget.value)}
      >
        {options.map(([value, name]) => (
          <option key={value} value={value}>{name}</option>
        ))}
      </select>
    </label>
  );
}

/** A part of a whole, as a bar and in words. */
export function Share(
  { part, whole }: { part: number; whole: number },
): JSX.Element {
  return (
    <span class="share">
      <progress
        max={whole > 0 ? whole : 1}
        value={Math.min(part, whole)}
        aria-hidden="true"
      />
      {share(part, whole)}
    </span>
  );
}

/** Saves what a path answers with as a file of that name. */
export async function download(
  api: Api,
  { path, accept, name }: { path: string; accept: string; name: string },
): Promise<Failure | undefined> {
  try {
    const text = await api.text(path, accept);
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type: accept }));
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
    return undefined;
  } catch (error) {
    return faultOf(error);
  }
}

/** The milliseconds since the epoch, drawn anew each second while `on`. */
export function useNow(on: boolean): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    if (!on) return;
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, [on]);
  return now;
}

/** What is wrong with a field of that name, where the fault says so. */
export function wrongIn(
  fault: Failure | undefined,
  field: string,
): string | undefined {
  const at = fault?.field?.split("/")[1];
  return at === field ? fault?.message : undefined;
}
