/**
 * A token's scopes and limits, to be minted or edited.
 *
 * @module
 */

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { Api } from "./api.ts";
import { Failure } from "./api.ts";
import { bodyOf, CLASSES, type Draft, draftOf, LIMITS } from "./token_draft.ts";
import type { Minted } from "./token_shown.tsx";
import type { Token } from "./tokens.ts";
import { Dialog, Field, useLoaded } from "./ui.tsx";

/** What the form is for. */
interface FormOptions {
  readonly api: Api;
  /** The one that is edited; absent: a new one. */
  readonly token?: Token;
  readonly onClose: () => void;
  readonly onDone: (minted: Minted | undefined) => Promise<void>;
}

/** What is typed stays while doppel does not answer. */
export function TokenForm(
  { api, token, onClose, onDone }: FormOptions,
): JSX.Element {
  const [draft, setDraft] = useState(() => draftOf(token));
  const [failure, setFailure] = useState<Failure>();
  const [busy, setBusy] = useState(false);
  const set = (change: Partial<Draft>) => setDraft({ ...draft, ...change });
  const save = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    try {
      const body = bodyOf(draft, token);
      if (token) await api.send("PATCH", `/admin/tokens/${token.id}`, body);
      const minted = token
        ? undefined
        : await api.send<Minted>("POST", "/admin/tokens", body);
      await onDone(minted);
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      setFailure(error);
      setBusy(false);
    }
  };
  const at = (field: string) =>
    failure?.field?.startsWith(`/${field}`) ? failure.message : undefined;
  const parts = { draft, set, at };
  return (
    <Dialog
      title={token ? `Edit ${token.label}` : "Mint a token"}
      onClose={onClose}
    >
      <form class="form" onSubmit={save}>
        {failure && !failure.field && (
          <p class="lost wide" role="alert">{failure.message}</p>
        )}
        <Names {...parts} isNew={token === undefined} />
        <Scopes {...parts} api={api} />
        <Bounds {...parts} />
        <Habits {...parts} />
        <div class="actions wide">
          <button type="submit" class="main" disabled={busy}>
            {token ? "Save" : "Mint"}
          </button>
          <button type="button" onClick={onClose}>Cancel</button>
        </div>
      </form>
    </Dialog>
  );
}

/** What each part of the form is given. */
interface Part {
  readonly draft: Draft;
  readonly set: (change: Partial<Draft>) => void;
  /** What was wrong with a field. */
  readonly at: (field: string) => string | undefined;
}

function Text(
  { draft, set, name, ...field }:
    & Omit<Part, "at">
    & {
      name: keyof Draft;
      label: string;
      hint?: string;
      error: string | undefined;
      type?: "text" | "datetime-local";
    },
) {
  const typed = {
    value: `${draft[name]}`,
    onInput: ({ currentTarget }: { currentTarget: HTMLInputElement }) =>
      set({ [name]: currentTarget.value }),
  };
  return (
    <Field {...field}>
      {field.type === "datetime-local"
        ? <input type="datetime-local" {...typed} />
        : <input type="text" {...typed} />}
    </Field>
  );
}

function Names({ draft, set, at, isNew }: Part & { isNew: boolean }) {
  const own = { draft, set };
  return (
    <>
      <Text {...own} name="label" label="Label" error={at("label")} />
      <Text {...own} name="note" label="Note" error={at("note")} />
      {isNew && (
        <Text
          {...own}
          name="token"
          label="Value"
          hint="Empty: doppel makes one."
          error={at("token")}
        />
      )}
      <Text
        {...own}
        name="expires"
        label="Expires"
        type="datetime-local"
        hint="Empty: never."
        error={at("expires")}
      />
    </>
  );
}

function Checks(
  { legend, names, chosen, onChange, error }: {
    legend: string;
    names: readonly string[];
    chosen: readonly string[];
    onChange: (chosen: readonly string[]) => void;
    error: string | undefined;
  },
) {
  return (
    <fieldset class="wide">
      <legend>{legend}</legend>
      {names.map((name) => (
        <label key={name}>
          <input
            type="checkbox"
            checked={chosen.includes(name)}
            onChange={({ currentTarget }) =>
              onChange(
                currentTarget.checked
                  ? [...chosen, name]
                  : chosen.filter((one) => one !== name),
              )}
          />
          {name}
        </label>
      ))}
      {error && <small class="error" role="alert">{error}</small>}
    </fieldset>
  );
}

function Scopes({ draft, set, at, api }: Part & { api: Api }) {
  const { value } = useLoaded(() =>
    api.get<{ providers: { id: string; credentials: unknown[] }[] }>(
      "/admin/providers",
    )
  );
  const keyed = (value?.providers ?? [])
    .filter(({ credentials }) => credentials.length > 0).map(({ id }) => id);
  const names = [...new Set([...keyed, ...draft.providers])];
  return (
    <>
      <Checks
        legend="Providers"
        names={names}
        chosen={draft.providers}
        onChange={(providers) => set({ providers })}
        error={at("providers")}
      />
      <Checks
        legend="Endpoints"
        names={CLASSES}
        chosen={draft.endpoints}
        onChange={(endpoints) => set({ endpoints })}
        error={at("endpoints")}
      />
      <Text
        {...{ draft, set }}
        name="models"
        label="Models"
        hint="Globs, with commas; empty: any."
        error={at("models")}
      />
      <Text
        {...{ draft, set }}
        name="addresses"
        label="Addresses"
        hint="IP or CIDR, with commas; empty: any."
        error={at("addresses")}
      />
    </>
  );
}

function Bounds({ draft, set, at }: Part) {
  return (
    <>
      {LIMITS.map(({ name, label, path }) => (
        <Text
          key={name}
          {...{ draft, set }}
          name={name}
          label={label}
          hint="Empty: no limit."
          error={at(`limits/${path}`)}
        />
      ))}
    </>
  );
}

const HABITS = {
  isolated: "Isolated: reaches only what was made with it",
  clamp: "Clamp: lower an answer's length to what the budget allows",
  exactUsage: "Exact usage: ask APIs for it in streams",
  drain: "Drain: read on for the true bill when the client leaves",
} as const;

function Habits({ draft, set }: Part) {
  const names = Object.keys(HABITS) as (keyof typeof HABITS)[];
  return (
    <fieldset class="wide">
      <legend>Habits</legend>
      {names.map((name) => (
        <label key={name}>
          <input
            type="checkbox"
            checked={draft[name]}
            onChange={({ currentTarget }) =>
              set({ [name]: currentTarget.checked })}
          />
          {HABITS[name]}
        </label>
      ))}
    </fieldset>
  );
}
