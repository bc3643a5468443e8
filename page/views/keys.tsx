/**
 * Keys: the owner's, masked, in the order they are asked in. The order is
 * changed in a draft, by hand or by keyboard, and saved when it is said so.
 *
 * @module
 */

import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { type Api, Failure } from "../api.ts";
import { changedBy, cleaned, type Draft, withDraft } from "../draft.ts";
import { KeyForm } from "../key_form.tsx";
import { type Actions, type Key, pathOf } from "../key.ts";
import { KeyRow } from "../key_row.tsx";
import { levelsOf, moved, type Place, type Ranked, step } from "../levels.ts";
import { ask, Wrong } from "../parts.tsx";
import { Badge, Empty, Lost, say, useLoaded } from "../ui.tsx";

/** What is not saved, whichever view is open. */
let kept: Draft = new Map();

/** Milliseconds after which cooldowns are looked at again. */
const EVERY = 10_000;
const NO_KEYS: readonly Key[] = [];

/** The owner's keys. */
export function Keys({ api }: { api: Api }): JSX.Element {
  const { value, failure, again } = useLoaded(async () => {
    const [{ credentials }, { providers }] = await Promise.all([
      api.get<{ credentials: Key[] }>("/admin/credentials"),
      api.get<{ providers: { id: string }[] }>("/admin/providers"),
    ]);
    return { keys: credentials, providers: providers.map(({ id }) => id) };
  }, EVERY);
  const keys = value?.keys ?? NO_KEYS;
  const { draft, change, drop } = useDraft(keys);
  const [edited, setEdited] = useState<Key | "new" | undefined>(undefined);
  const [failed, setFailed] = useState<Failure>();
  const shown = keys.map((key) => withDraft(key, draft));
  const order = [...new Set(keys.map(({ provider }) => provider))].sort();
  return (
    <section class="view flow">
      <header class="head stays">
        <h2>Keys</h2>
        <Saver {...{ api, draft, drop, setFailed }} onSaved={again} />
        <button type="button" class="main" onClick={() => setEdited("new")}>
          Add a key
        </button>
      </header>
      <Lost failure={failure} again={again} />
      {failed && <Wrong fault={failed} />}
      {value && keys.length === 0 && (
        <Empty title="There is no key yet">
          Add one here, or set OPENAI_API_KEY or another provider's in the
          environment; requests then go out with it.
        </Empty>
      )}
      {order.map((provider) => (
        <Pool
          key={provider}
          provider={provider}
          keys={shown.filter((key) => key.provider === provider)}
          draft={draft}
          change={change}
          actions={{ api, again, edit: setEdited }}
        />
      ))}
      {edited && (
        <KeyForm
          api={api}
          providers={value?.providers ?? []}
          was={edited === "new" ? undefined : edited}
          onClose={(done) => {
            setEdited(undefined);
            if (done) again();
          }}
        />
      )}
    </section>
  );
}

function useDraft(keys: readonly Key[]) {
  const [draft, setDraft] = useState(kept);
  const set = (next: Draft) => setDraft(kept = next);
  useEffect(() => {
    if (keys.length > 0) set(cleaned(kept, keys));
  }, [keys]);
  useEffect(() => {
    if (draft.size === 0) return;
    const warn = (event: BeforeUnloadEvent) => event.preventDefault();
    addEventListener("beforeunload", warn);
    return () => removeEventListener("beforeunload", warn);
  }, [draft.size]);
  return {
    draft,
    change: (changes: Draft) => set(changedBy(kept, keys, changes)),
    drop: (ids: readonly string[]) =>
      set(new Map([...kept].filter(([id]) => !ids.includes(id)))),
  };
}

/** Always there, so that nothing moves when there is something to save. */
function Saver(
  { api, draft, drop, setFailed, onSaved }: {
    api: Api;
    draft: Draft;
    drop: (ids: readonly string[]) => void;
    setFailed: (fault: Failure | undefined) => void;
    onSaved: () => void;
  },
) {
  const [busy, setBusy] = useState(false);
  const none = draft.size === 0;
  const save = async () => {
    setBusy(true);
    setFailed(undefined);
    const done: string[] = [];
    for (const [id, change] of draft) {
      const said = await ask(api, "PUT", pathOf(id), change);
      if ("fault" in said) {
        const { status, message } = said.fault;
        const rest = `${draft.size - done.length} are still unsaved.`;
        setFailed(new Failure(status, `${id}: ${message} ${rest}`));
        break;
      }
      done.push(id);
    }
    await onSaved();
    if (done.length === draft.size) say({ text: "The order is saved." });
    drop(done);
    setBusy(false);
  };
  return (
    <span class="saver">
      <span role="status">
        {none
          ? <span class="faint">all saved</span>
          : <Badge tone="warn">{draft.size} unsaved</Badge>}
      </span>
      <button type="button" class="main" disabled={none || busy} onClick={save}>
        Save
      </button>
      <button
        type="button"
        disabled={none || busy}
        onClick={() => drop([...draft.keys()])}
      >
        Discard
      </button>
    </span>
  );
}

/** What a pool is ordered by. */
function rankedOf(keys: readonly Key[]): Ranked[] {
  return keys.map(({ id, priority, source }) => ({
    id,
    priority,
    fixed: source === "environment",
  }));
}

function Pool(
  { provider, keys, draft, change, actions }: {
    provider: string;
    keys: readonly Key[];
    draft: Draft;
    change: (changes: Draft) => void;
    actions: Pick<Actions, "api" | "again" | "edit">;
  },
) {
  const { levels, held, said, move, hold, drop, mark } = useMoves(keys, change);
  return (
    <section class="pool" aria-label={`Keys of ${provider}`}>
      <h3>
        {provider} <span class="faint">{keys.length}</span>
      </h3>
      <ol class={held ? "levels dragging" : "levels"}>
        {levels.flatMap(({ ids }, at) => [
          <li
            key={`level ${at}`}
            class={`gap${mark({ before: at })}`}
            {...drop({ before: at })}
          >
            {levels.length > 1 || ids.length > 1 ? nameOf(at, ids.length) : ""}
          </li>,
          ...ids.map((id) => (
            <KeyRow
              key={id}
              row={keys.find((key) => key.id === id)!}
              unsaved={draft.has(id)}
              joined={mark({ join: at }) !== ""}
              drop={drop({ join: at })}
              actions={{
                ...actions,
                hold: (on) => hold(on ? id : undefined),
                step: (by) => move(id, step(levels, id, by)),
                weigh: (weight) => change(new Map([[id, { weight }]])),
              }}
            />
          )),
        ])}
        <li
          key="end"
          class={`gap end${mark({ before: levels.length })}`}
          {...drop({ before: levels.length })}
        />
      </ol>
      <p class="hidden" role="status">{said}</p>
    </section>
  );
}

/** What is dragged, where it would fall, and what was said of the last move. */
function useMoves(keys: readonly Key[], change: (changes: Draft) => void) {
  const [held, setHeld] = useState<string | undefined>(undefined);
  const [over, setOver] = useState<string | undefined>(undefined);
  const [said, setSaid] = useState("");
  const ranked = rankedOf(keys);
  const levels = levelsOf(ranked);
  const move = (id: string, place: Place | undefined) => {
    if (place === undefined) return setSaid(`${id} is there already.`);
    const next = moved(ranked, id, place);
    if (typeof next === "string") return setSaid(next);
    change(new Map([...next].map(([key, priority]) => [key, { priority }])));
    setSaid(standing(ranked, next, id));
    focusOn(id);
  };
  const hold = (id: string | undefined) => {
    setHeld(id);
    setOver(undefined);
  };
  const drop = (place: Place) => ({
    onDragOver: (event: DragEvent) => {
      if (held === undefined) return;
      event.preventDefault();
      setOver(JSON.stringify(place));
    },
    onDrop: (event: DragEvent) => {
      event.preventDefault();
      if (held !== undefined) move(held, place);
      hold(undefined);
    },
  });
  const mark = (place: Place) => over === JSON.stringify(place) ? " over" : "";
  return { levels, held, said, move, hold, drop, mark };
}

function nameOf(at: number, size: number): string {
  const when = at === 0
    ? "Asked first"
    : at === 1
    ? "Then, while all above cool"
    : "Then";
  return size > 1 ? `${when}, shared by weight` : when;
}

function standing(
  rows: readonly Ranked[],
  next: ReadonlyMap<string, number>,
  id: string,
): string {
  const levels = levelsOf(rows.map((row) => ({
    ...row,
    priority: next.get(row.id) ?? row.priority,
  })));
  const at = levels.findIndex(({ ids }) => ids.includes(id));
  const others = levels[at]!.ids.filter((one) => one !== id);
  const beside = others.length > 0 ? `, beside ${others.join(", ")}` : "";
  return `${id} is number ${
    at + 1
  } of ${levels.length}${beside}. Not saved yet.`;
}

/** A row that has moved is another element's neighbour: what had the focus has it again. */
function focusOn(id: string) {
  requestAnimationFrame(() => document.getElementById(`handle-${id}`)?.focus());
}
