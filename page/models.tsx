/**
 * The models that a provider lists.
 *
 * @module
 */

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { compact } from "./amounts.ts";
import type { Api, Failure } from "./api.ts";
import { ask, useAnswer, Wrong } from "./parts.tsx";
import { RelativeTime } from "./ui.tsx";

interface Model {
  readonly id: string;
  readonly owner?: string;
  readonly context?: number;
  readonly output?: number;
  readonly kind?: string;
}

interface Listed {
  readonly time: string | null;
  readonly models: readonly Model[];
}

/** Rows that are drawn at once. */
const SHOWN = 100;

/** The list that is kept, and as it is now for whoever asks. */
export function Models(
  { api, provider, hasKey }: { api: Api; provider: string; hasKey: boolean },
): JSX.Element {
  const path = `/admin/providers/${encodeURIComponent(provider)}/models`;
  const { list, wrong, busy, asking, refresh } = useList(api, path);
  const [sought, setSought] = useState("");
  const [most, setMost] = useState(SHOWN);
  if (!hasKey) {
    return (
      <p class="faint">
        Its list can be asked for once it has a key:{" "}
        <a href="#/keys">add one</a>.
      </p>
    );
  }
  const found = (list?.models ?? []).filter(({ id }) =>
    id.toLowerCase().includes(sought.toLowerCase())
  );
  return (
    <div class="models">
      <div class="tools">
        <input
          type="search"
          class="grow"
          aria-label={`Search the models of ${provider}`}
          placeholder="search"
          value={sought}
          onInput={({ currentTarget }) => setSought(currentTarget.value)}
        />
        <button type="button" disabled={asking} onClick={refresh}>
          {asking ? "Asking" : "Ask for it now"}
        </button>
        <span class="faint" role="status">
          {list
            ? (
              <>
                {found.length} of {list.models.length}, asked for{" "}
                <RelativeTime time={list.time} />
              </>
            )
            : busy
            ? "Asking the API."
            : ""}
        </span>
      </div>
      {wrong && <Wrong fault={wrong} />}
      {list && <ModelTable models={found.slice(0, most)} provider={provider} />}
      {found.length > most && (
        <button
          type="button"
          onClick={() => setMost(most + 5 * SHOWN)}
        >
          Show more
        </button>
      )}
    </div>
  );
}

/** The kept list, and the newest once somebody has asked for it. */
function useList(api: Api, path: string) {
  const { value, failure, busy, again } = useAnswer(
    () => api.get<Listed>(path),
    path,
  );
  const [newest, setNewest] = useState<Listed>();
  const [fault, setFault] = useState<Failure>();
  const [asking, setAsking] = useState(false);
  const refresh = async () => {
    setAsking(true);
    const said = await ask<Listed>(api, "POST", path);
    setAsking(false);
    setFault("fault" in said ? said.fault : undefined);
    if ("value" in said) setNewest(said.value);
    else again();
  };
  const list = newest ?? value;
  const wrong = fault ?? (newest ? undefined : failure);
  return { list, wrong, busy, asking, refresh };
}

function ModelTable(
  { models, provider }: { models: readonly Model[]; provider: string },
) {
  return (
    <div
      class="scroll"
      tabIndex={0}
      role="region"
      aria-label={`Models of ${provider}`}
    >
      <table>
        <thead>
          <tr>
            <th scope="col">Model</th>
            <th scope="col">Kind</th>
            <th scope="col" class="right">Context</th>
            <th scope="col" class="right">Output</th>
            <th scope="col">Owner</th>
          </tr>
        </thead>
        <tbody>
          {models.map(({ id, kind, context, output, owner }) => (
            <tr key={id}>
              <th scope="row">
                <code>{id}</code>
              </th>
              <td>{kind}</td>
              <td class="right">{context !== undefined && compact(context)}</td>
              <td class="right">{output !== undefined && compact(output)}</td>
              <td>{owner}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
