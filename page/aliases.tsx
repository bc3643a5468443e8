/**
 * Aliases: names that stand for models, asked in their order.
 *
 * @module
 */

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { listIn } from "./amounts.ts";
import type { Api, Failure } from "./api.ts";
import { ask, Wrong, wrongIn } from "./parts.tsx";
import { Dialog, Field, say, sayFailure } from "./ui.tsx";

/** An alias. */
export interface Alias {
  readonly name: string;
  /** As provider/model, in the order of asking. */
  readonly to: readonly string[];
}

/** All of them. */
export function Aliases(
  { api, aliases, again }: {
    api: Api;
    aliases: readonly Alias[];
    again: () => Promise<void>;
  },
): JSX.Element {
  const [edited, setEdited] = useState<Alias | "new">();
  const { shown, remove } = useRemoval(api, aliases, again);
  return (
    <>
      <header class="head">
        <h2>Aliases</h2>
        <button type="button" onClick={() => setEdited("new")}>
          Add an alias
        </button>
      </header>
      {shown.length === 0 && (
        <p class="faint">
          None. An alias such as "fast" stands for one model or several; what a
          holder asks for by that name goes to the first that can be had.
        </p>
      )}
      <ul class="providers">
        {shown.map((alias) => (
          <Row
            key={alias.name}
            alias={alias}
            onEdit={() => setEdited(alias)}
            onDelete={() => remove(alias)}
          />
        ))}
      </ul>
      {edited && (
        <AliasForm
          api={api}
          was={edited === "new" ? undefined : edited}
          onClose={(done) => {
            setEdited(undefined);
            if (done) again();
          }}
        />
      )}
    </>
  );
}

/** An alias is gone from sight at once, and deleted when that can no more be undone. */
function useRemoval(
  api: Api,
  aliases: readonly Alias[],
  again: () => Promise<void>,
) {
  const [leaving, setLeaving] = useState<readonly string[]>([]);
  const shown = aliases.filter(({ name }) => !leaving.includes(name));
  const remove = ({ name }: Alias) => {
    setLeaving((all) => [...all, name]);
    const back = () => setLeaving((all) => all.filter((one) => one !== name));
    say({
      text: `${name} will be deleted.`,
      undo: back,
      async done() {
        const said = await ask(api, "DELETE", pathOf(name));
        if ("fault" in said) sayFailure(said.fault);
        await again();
        back();
      },
    });
  };
  return { shown, remove };
}

function Row(
  { alias, onEdit, onDelete }: {
    alias: Alias;
    onEdit: () => void;
    onDelete: () => void;
  },
) {
  return (
    <li class="card provider">
      <div class="who">
        <b>{alias.name}</b>
        <small class="faint">
          {alias.to.map((at, i) => (
            <span key={at}>
              {i > 0 && ", then "}
              <code>{at}</code>
            </span>
          ))}
        </small>
      </div>
      <span class="actions">
        <button
          type="button"
          onClick={onEdit}
          aria-label={`Edit ${alias.name}`}
        >
          Edit
        </button>
        <button
          type="button"
          class="danger"
          onClick={onDelete}
          aria-label={`Delete ${alias.name}`}
        >
          Delete
        </button>
      </span>
    </li>
  );
}

function AliasForm(
  { api, was, onClose }: {
    api: Api;
    was: Alias | undefined;
    onClose: (done: boolean) => void;
  },
) {
  const [name, setName] = useState(was?.name ?? "");
  const [to, setTo] = useState(was?.to.join("\n") ?? "");
  const [fault, setFault] = useState<Failure>();
  const save = async (event: Event) => {
    event.preventDefault();
    const said = await ask(api, "PUT", pathOf(name.trim()), { to: listIn(to) });
    if ("fault" in said) return setFault(said.fault);
    say({ text: `${name.trim()} is saved.` });
    onClose(true);
  };
  const wrong = (field: string) => wrongIn(fault, field);
  return (
    <Dialog
      title={was ? `Edit ${was.name}` : "Add an alias"}
      onClose={() => onClose(false)}
    >
      <form class="form" autocomplete="off" onSubmit={save}>
        {!was && (
          <Field label="Name" error={wrong("name")} hint="Such as fast.">
            <input
              required
              value={name}
              onInput={({ currentTarget }) => setName(currentTarget.value)}
              spellcheck={false}
            />
          </Field>
        )}
        <Targets to={to} setTo={setTo} error={wrong("to")} />
        {fault && !wrong("name") && !wrong("to") && (
          <div class="wide">
            <Wrong fault={fault} />
          </div>
        )}
        <div class="actions wide">
          <button type="button" onClick={() => onClose(false)}>Cancel</button>
          <button type="submit" class="main">Save</button>
        </div>
      </form>
    </Dialog>
  );
}

function Targets(
  { to, setTo, error }: {
    to: string;
    setTo: (to: string) => void;
    error: string | undefined;
  },
) {
  return (
    <div class="wide">
      <Field
        label="Stands for"
        error={error}
        hint="As provider/model, one on each line, the first asked first."
      >
        <textarea
          required
          value={to}
          placeholder="openai/gpt-5-mini"
          onInput={({ currentTarget }) => setTo(currentTarget.value)}
          spellcheck={false}
        />
      </Field>
    </div>
  );
}

function pathOf(name: string): string {
  return `/admin/aliases/${encodeURIComponent(name)}`;
}
