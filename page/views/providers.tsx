/**
 * Providers, their models, and the names that stand for models.
 *
 * @module
 */

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { type Alias, Aliases } from "../aliases.tsx";
import { useNow } from "../parts.tsx";
import type { Api } from "../api.ts";
import { Models } from "../models.tsx";
import { clock } from "../amounts.ts";
import { type Provider, ProviderForm } from "../provider_form.tsx";
import { Badge, Empty, Lost, useLoaded } from "../ui.tsx";

/** Milliseconds after which regions and the hop are looked at again. */
const EVERY = 15_000;

/** Who can be asked, and for what. */
export function Providers({ api }: { api: Api }): JSX.Element {
  const { value, failure, again } = useLoaded(async () => {
    const [{ providers }, { aliases }] = await Promise.all([
      api.get<{ providers: Provider[] }>("/admin/providers"),
      api.get<{ aliases: Alias[] }>("/admin/aliases"),
    ]);
    return { providers, aliases };
  }, EVERY);
  const [edited, setEdited] = useState<Provider | "new">();
  const [all, setAll] = useState(false);
  const providers = value?.providers ?? [];
  const used = providers.filter(isUsed);
  const shown = all || used.length === 0 ? providers : used;
  return (
    <section class="view flow">
      <header class="head">
        <h2>Providers</h2>
        <label class="check">
          <input
            type="checkbox"
            checked={all}
            onChange={({ currentTarget }) => setAll(currentTarget.checked)}
          />
          those without a key too
        </label>
        <button type="button" class="main" onClick={() => setEdited("new")}>
          Add a provider
        </button>
      </header>
      <Lost failure={failure} again={again} />
      {value && used.length === 0 && (
        <Empty title="No provider has a key yet">
          <a href="#/keys">Add a key</a>
        </Empty>
      )}
      <ul class="providers">
        {shown.map((one) => (
          <Row
            key={one.id}
            api={api}
            row={one}
            onEdit={() => setEdited(one)}
          />
        ))}
      </ul>
      {value && <Aliases api={api} aliases={value.aliases} again={again} />}
      {edited && (
        <ProviderForm
          api={api}
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

/** Whether something was set up for it. */
function isUsed({ credentials, source, models, priority }: Provider) {
  return credentials.length > 0 || source === "stored" || models.length > 0 ||
    priority > 0;
}

function Row(
  { api, row, onEdit }: { api: Api; row: Provider; onEdit: () => void },
) {
  const { id, source, origin, wire, slot, models, priority, credentials } = row;
  const [open, setOpen] = useState(false);
  const keys = credentials.length;
  return (
    <li class="card provider">
      <div class="who">
        <b>{id}</b> <code class="faint">{origin}</code>
        <span class="badges">
          {source === "stored" && <Badge>your own, speaks as {wire}</Badge>}
          {slot && <Badge>{slot}</Badge>}
          <a href="#/keys">
            <Badge tone={keys > 0 ? "good" : "warn"}>
              {keys === 0 ? "no key" : keys === 1 ? "1 key" : `${keys} keys`}
            </Badge>
          </a>
          <Way row={row} />
        </span>
        <small class="faint">
          asked for {models.length > 0 ? models.join(", ") : "every model"}
          {` · priority ${priority}`}
        </small>
      </div>
      <span class="actions">
        <button type="button" onClick={onEdit} aria-label={`Edit ${id}`}>
          Edit
        </button>
        <button
          type="button"
          aria-expanded={open}
          onClick={() => setOpen(!open)}
          aria-label={`Models of ${id}`}
        >
          Models
        </button>
      </span>
      {open && <Models api={api} provider={id} hasKey={keys > 0} />}
    </li>
  );
}

/** How requests reach it; nothing where this doppel does not tell. */
function Way({ row: { region, hop } }: { row: Provider }) {
  const until = region?.refusedUntil;
  const now = useNow(until !== undefined);
  const left = until === undefined ? 0 : Date.parse(until) - now;
  return (
    <>
      {region && region.mode !== "direct" && (
        <Badge>
          {region.mode === "hop" ? "by the hop" : "by the hop if refused"}
        </Badge>
      )}
      {left > 0 && (
        <span title={`until ${until}`}>
          <Badge tone="warn">
            region refused, {clock(Math.ceil(left / 1000))} more
          </Badge>
        </span>
      )}
      {hop && (
        <Badge tone={hop === "up" ? "good" : hop === "down" ? "bad" : "plain"}>
          hop {hop === "unknown" ? "not asked yet" : hop}
        </Badge>
      )}
    </>
  );
}
