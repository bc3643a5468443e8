/**
 * Who has changed what, newest first.
 *
 * @module
 */

import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Api } from "../api.ts";
import { Empty, RelativeTime, sayFailure, Table } from "../ui.tsx";

interface Entry {
  readonly time: string;
  readonly by: string;
  readonly action: string;
  readonly token?: string;
  readonly subject?: string;
  readonly changed?: unknown;
}

/** See above. */
export function Audit({ api }: { api: Api }): JSX.Element {
  const [entries, setEntries] = useState<readonly Entry[]>();
  const [cursor, setCursor] = useState<string>();
  const more = async () => {
    const from = cursor === undefined ? "" : `&cursor=${cursor}`;
    const page = await api.get<{ entries: Entry[]; cursor?: string }>(
      `/admin/audit?limit=200${from}`,
    );
    setEntries([...entries ?? [], ...page.entries]);
    setCursor(page.cursor);
  };
  useEffect(() => void more().catch(sayFailure), []);
  if (entries === undefined) return <p class="faint">Loading…</p>;
  return (
    <div class="view">
      <Table
        rows={entries.map((entry, n) => ({ ...entry, n }))}
        keyOf={({ n }) => `${n}`}
        label="Changes"
        columns={COLUMNS}
        empty={<Empty title="Nothing was changed yet." />}
      />
      {cursor !== undefined && (
        <div class="actions">
          <button type="button" onClick={() => more().catch(sayFailure)}>
            Show older
          </button>
        </div>
      )}
    </div>
  );
}

const COLUMNS = [
  {
    id: "time",
    title: "When",
    cell: ({ time }: Entry) => <RelativeTime time={time} />,
  },
  { id: "by", title: "Who", cell: ({ by }: Entry) => by },
  { id: "action", title: "What", cell: ({ action }: Entry) => action },
  {
    id: "subject",
    title: "Of what",
    cell: ({ token, subject }: Entry) => (
      <span class="mono">{token ?? subject ?? ""}</span>
    ),
  },
  {
    id: "changed",
    title: "Changed",
    cell: ({ changed }: Entry) => {
      const text = changed === undefined ? "" : JSON.stringify(changed);
      return <span class="mono" title={text}>{text}</span>;
    },
  },
];
