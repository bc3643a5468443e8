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
import { type Key, pathOf } from "../key_row.tsx";
import { ask, Wrong } from "../parts.tsx";
import { Pool } from "../pool.tsx";
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
