/**
 * What can be done with a key there and then.
 *
 * @module
 */

import type { JSX } from "preact";
import type { Failure } from "./api.ts";
import { type Actions, type Key, pathOf } from "./key.ts";
import { ask } from "./parts.tsx";
import { say } from "./ui.tsx";

/** What can be done with a key. */
export function KeyButtons(
  { row, actions, setFault, check, busy }: {
    row: Key;
    actions: Actions;
    setFault: (fault: Failure | undefined) => void;
    check: () => void;
    busy: boolean;
  },
): JSX.Element {
  const { id, source, status } = row;
  const off = status === "disabled";
  const { put, remove } = deedsOf(row, actions, setFault);
  return (
    <span class="actions">
      <button
        type="button"
        disabled={busy}
        onClick={check}
        aria-label={`Check now: ${id}`}
      >
        Check now
      </button>
      {source === "stored" && (
        <>
          <button
            type="button"
            onClick={() => actions.edit(row)}
            aria-label={`Edit ${id}`}
          >
            Edit
          </button>
          <button
            type="button"
            disabled={status === "unreadable"}
            onClick={() => put({ status: off ? "active" : "disabled" })}
            aria-label={`${off ? "Enable" : "Disable"} ${id}`}
          >
            {off ? "Enable" : "Disable"}
          </button>
          <button
            type="button"
            class="danger"
            onClick={remove}
            aria-label={`Delete ${id}`}
          >
            Delete
          </button>
        </>
      )}
    </span>
  );
}

/** A key is disabled at once, and deleted when that can no more be undone. */
function deedsOf(
  { id, status }: Key,
  { api, again }: Actions,
  setFault: (fault: Failure | undefined) => void,
) {
  const put = async (body: unknown) => {
    const said = await ask(api, "PUT", pathOf(id), body);
    setFault("fault" in said ? said.fault : undefined);
    await again();
    return !("fault" in said);
  };
  const remove = async () => {
    const was = status === "disabled" ? "disabled" : "active";
    if (!await put({ status: "disabled" })) return;
    say({
      text: `${id} is disabled, and will be deleted.`,
      undo: () => void put({ status: was }),
      async done() {
        const said = await ask(api, "DELETE", pathOf(id));
        if ("fault" in said && said.fault.status !== 404) {
          say({ text: `${id}: ${said.fault.message}`, bad: true });
        }
        await again();
      },
    });
  };
  return { put, remove };
}
