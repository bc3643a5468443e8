/**
 * The form that adds a key or changes what is said of one.
 *
 * @module
 */

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { listIn } from "./amounts.ts";
import type { Api, Failure } from "./api.ts";
import { type Key, pathOf } from "./key.ts";
import { ask, Wrong, wrongIn } from "./parts.tsx";
import { Dialog, Field, say } from "./ui.tsx";

const FIELDS = ["provider", "id", "key", "kind", "models", "expires", "note"];

/** `was`: the one that is changed; absent: it is new. */
export function KeyForm(
  { api, providers, was, onClose }: {
    api: Api;
    providers: readonly string[];
    was: Key | undefined;
    onClose: (done: boolean) => void;
  },
): JSX.Element {
  const [typed, setTyped] = useState(() => typedOf(was));
  const [fault, setFault] = useState<Failure>();
  const [busy, setBusy] = useState(false);
  const put: Fields["put"] = (name) => ({ currentTarget }) =>
    setTyped({ ...typed, [name]: currentTarget.value });
  const save = async () => {
    setBusy(true);
    const said = was
      ? await ask(api, "PUT", pathOf(was.id), editOf(typed))
      : await ask(api, "POST", "/admin/credentials", newOf(typed));
    setBusy(false);
    if ("fault" in said) return setFault(said.fault);
    say({ text: was ? `${was.id} is saved.` : "The key is kept." });
    onClose(true);
  };
  const wrong = (name: string) => wrongIn(fault, name);
  return (
    <Dialog
      title={was ? `Edit ${was.id}` : "Add a key"}
      onClose={() => onClose(false)}
    >
      <form
        class="form"
        autocomplete="off"
        onSubmit={(event) => {
          event.preventDefault();
          save();
        }}
      >
        {!was && <NewFields {...{ typed, put, wrong, providers }} />}
        <SaidFields {...{ typed, put, wrong, was }} />
        {fault && !FIELDS.some(wrong) && <Wrong fault={fault} />}
        <div class="actions wide">
          <button type="button" onClick={() => onClose(false)}>Cancel</button>
          <button type="submit" class="main" disabled={busy}>
            {was ? "Save" : "Keep the key"}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

/** What the fields of a form work with. */
interface Fields {
  readonly typed: Typed;
  readonly put: (
    name: keyof Typed,
  ) => (
    event: { readonly currentTarget: { readonly value: string } },
  ) => void;
  readonly wrong: (name: string) => string | undefined;
}

function NewFields(
  { typed, put, wrong, providers }: Fields & { providers: readonly string[] },
) {
  return (
    <>
      <Field label="Provider" error={wrong("provider")}>
        <select
          required
          value={typed.provider}
          onChange={put("provider")}
        >
          <option value="">choose</option>
          {providers.map((id) => <option key={id}>{id}</option>)}
        </select>
      </Field>
      <Field
        label="Name"
        error={wrong("id")}
        hint="Lower case, digits and -. One is made if you leave it empty."
      >
        <input
          value={typed.id}
          onInput={put("id")}
          spellcheck={false}
        />
      </Field>
    </>
  );
}

function SaidFields(
  { typed, put, wrong, was }: Fields & { was: Key | undefined },
) {
  return (
    <>
      <Field
        label={was ? "Another key in its place" : "Key"}
        error={wrong("key")}
        hint={was
          ? "Leave it empty to keep the one that is there."
          : "Kept sealed, and never shown again."}
      >
        <input
          type="password"
          autocomplete="off"
          required={!was}
          value={typed.key}
          onInput={put("key")}
        />
      </Field>
      <Field label="Kind" error={wrong("kind")}>
        <select value={typed.kind} onChange={put("kind")}>
          <option value="paid">paid</option>
          <option value="free">free</option>
        </select>
      </Field>
      <Field
        label="Only for these models"
        error={wrong("models")}
        hint="Names or patterns such as gpt-*, one on each line. Empty: all."
      >
        <textarea
          rows={2}
          value={typed.models}
          onInput={put("models")}
          spellcheck={false}
        />
      </Field>
      <Field
        label="Expires"
        error={wrong("expires")}
        hint="It is not used from then on. Empty: never."
      >
        <input
          type="datetime-local"
          value={typed.expires}
          onInput={put("expires")}
        />
      </Field>
      <Field label="Note" error={wrong("note")}>
        <textarea rows={2} value={typed.note} onInput={put("note")} />
      </Field>
    </>
  );
}

type Typed = ReturnType<typeof typedOf>;

function typedOf(was: Key | undefined) {
  return {
    provider: "",
    id: "",
    key: "",
    kind: `${was?.kind ?? "paid"}`,
    models: was?.models.join("\n") ?? "",
    expires: was?.expires ? localOf(new Date(was.expires)) : "",
    note: was?.note ?? "",
  };
}

/** As `datetime-local` wants it: the reader's own time. */
function localOf(date: Date): string {
  const own = new Date(date.getTime() - date.getTimezoneOffset() * 60_000);
  return own.toISOString().slice(0, 16);
}

function editOf({ key, kind, models, expires, note }: Typed) {
  return {
    ...(key && { key: key.trim() }),
    kind,
    models: listIn(models),
    expires: expires
      ? `${new Date(expires).toISOString().slice(0, 19)}Z`
      : null,
    note,
  };
}

function newOf(typed: Typed) {
  const { provider, id } = typed;
  return { provider, ...(id && { id: id.trim() }), ...editOf(typed) };
}
