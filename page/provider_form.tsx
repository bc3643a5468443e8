/**
 * The form that adds a provider, or says what one is asked for.
 *
 * @module
 */

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { listIn } from "./amounts.ts";
import type { Api, Failure } from "./api.ts";
import { ask, Wrong, wrongIn } from "./parts.tsx";
import { Dialog, Field, say } from "./ui.tsx";

/** A provider as it is listed. */
export interface Provider {
  readonly id: string;
  readonly source: "table" | "stored";
  readonly origin: string;
  readonly slot?: string;
  readonly wire?: string;
  readonly models: readonly string[];
  readonly priority: number;
  readonly credentials: readonly string[];
  /** Absent where this doppel does not tell. */
  readonly region?: {
    readonly mode: "direct" | "fallback" | "hop";
    readonly refusedUntil?: string;
  };
  readonly hop?: "up" | "down" | "unknown";
}

const WIRES = ["openai", "anthropic", "gemini"];
const SLOTS = ["", "bearer", "x-api-key", "api-key", "x-goog-api-key"];
const FIELDS = ["id", "origin", "wire", "slot", "models", "priority"];

/** `was`: the one that is changed; absent: it is new. */
export function ProviderForm(
  { api, was, onClose }: {
    api: Api;
    was: Provider | undefined;
    onClose: (done: boolean) => void;
  },
): JSX.Element {
  const [typed, setTyped] = useState(() => typedOf(was));
  const [fault, setFault] = useState<Failure>();
  const [busy, setBusy] = useState(false);
  const own = was?.source !== "table";
  const save = async () => {
    setBusy(true);
    const path = pathOf(typed.id.trim());
    const said = await ask(api, "PUT", path, bodyOf(typed, own));
    setBusy(false);
    if ("fault" in said) return setFault(said.fault);
    say({ text: `${typed.id} is saved.` });
    onClose(true);
  };
  const wrong = (name: string) => wrongIn(fault, name);
  const change = (more: Partial<Typed>) => setTyped({ ...typed, ...more });
  return (
    <Dialog
      title={was ? `Edit ${was.id}` : "Add a provider"}
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
        {!was && <NameField {...{ typed, change, wrong }} />}
        {own && <OwnFields {...{ typed, change, wrong }} />}
        <OfferedFields {...{ typed, change, wrong }} />
        {fault && !FIELDS.some(wrong) && (
          <div class="wide">
            <Wrong fault={fault} />
          </div>
        )}
        <div class="actions wide">
          {was && <Remove {...{ api, was, setFault, onClose }} />}
          <button type="button" onClick={() => onClose(false)}>Cancel</button>
          <button type="submit" class="main" disabled={busy}>Save</button>
        </div>
      </form>
    </Dialog>
  );
}

/** What the fields of the form work with. */
interface Fields {
  readonly typed: Typed;
  readonly change: (more: Partial<Typed>) => void;
  readonly wrong: (name: string) => string | undefined;
}

function NameField({ typed, change, wrong }: Fields) {
  return (
    <Field
      label="Name"
      error={wrong("id")}
      hint="It begins the paths: lower case, digits and -."
    >
      <input
        required
        value={typed.id}
        onInput={({ currentTarget }) => change({ id: currentTarget.value })}
        spellcheck={false}
      />
    </Field>
  );
}

function OfferedFields({ typed, change, wrong }: Fields) {
  return (
    <>
      <Field
        label="Asked for"
        error={wrong("models")}
        hint="Names or patterns such as gpt-*, one on each line. Empty: every model."
      >
        <textarea
          value={typed.models}
          onInput={({ currentTarget }) =>
            change({ models: currentTarget.value })}
          spellcheck={false}
        />
      </Field>
      <Field
        label="Priority"
        error={wrong("priority")}
        hint="Among several that have a model, the lower is asked first."
      >
        <input
          type="number"
          min={0}
          max={99}
          required
          value={typed.priority}
          onInput={({ currentTarget }) =>
            change({ priority: currentTarget.value })}
        />
      </Field>
    </>
  );
}

function OwnFields(
  { typed, change, wrong }: Fields,
) {
  return (
    <>
      <Field
        label="Origin"
        error={wrong("origin")}
        hint="Where requests go, such as https://llm.example.com/base."
      >
        <input
          type="url"
          required
          value={typed.origin}
          onInput={({ currentTarget }) =>
            change({ origin: currentTarget.value })}
          spellcheck={false}
        />
      </Field>
      <Field label="Speaks as" error={wrong("wire")}>
        <select
          value={typed.wire}
          onChange={({ currentTarget }) =>
            change({ wire: currentTarget.value })}
        >
          {WIRES.map((wire) => <option key={wire}>{wire}</option>)}
        </select>
      </Field>
      <Field label="Its key goes in" error={wrong("slot")}>
        <select
          value={typed.slot}
          onChange={({ currentTarget }) =>
            change({ slot: currentTarget.value })}
        >
          {SLOTS.map((slot) => (
            <option key={slot} value={slot}>{slot || "the usual place"}</option>
          ))}
        </select>
      </Field>
    </>
  );
}

/** Takes back what was said of a provider; one of the owner's own goes with it. */
function Remove(
  { api, was, setFault, onClose }: {
    api: Api;
    was: Provider;
    setFault: (fault: Failure) => void;
    onClose: (done: boolean) => void;
  },
) {
  const [sure, setSure] = useState(false);
  const own = was.source === "stored";
  if (!own && was.models.length === 0 && was.priority === 0) return null;
  const remove = async () => {
    if (own && !sure) return setSure(true);
    const said = await ask(api, "DELETE", pathOf(was.id));
    if ("fault" in said) return setFault(said.fault);
    say({ text: own ? `${was.id} is deleted.` : `${was.id} is as it was.` });
    onClose(true);
  };
  return (
    <button type="button" class="danger" onClick={remove}>
      {!own ? "As it was" : sure ? `Really delete ${was.id}?` : "Delete"}
    </button>
  );
}

function pathOf(id: string): string {
  return `/admin/providers/${encodeURIComponent(id)}`;
}

type Typed = ReturnType<typeof typedOf>;

function typedOf(was: Provider | undefined) {
  return {
    id: was?.id ?? "",
    origin: was?.origin ?? "",
    wire: was?.wire ?? "openai",
    slot: was?.slot ?? "",
    models: was?.models.join("\n") ?? "",
    priority: `${was?.priority ?? 0}`,
  };
}

function bodyOf(
  { origin, wire, slot, models, priority }: Typed,
  own: boolean,
) {
  return {
    ...(own && { origin: origin.trim(), wire, slot: slot || null }),
    models: listIn(models),
    priority: Number(priority),
  };
}
