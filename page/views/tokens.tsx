/**
 * Tokens: found, minted, taken back.
 *
 * @module
 */

import type { JSX } from "preact";
import { useMemo, useState } from "preact/hooks";
import type { Api } from "../api.ts";
import { count } from "../amounts.ts";
import { type Act, actionsOn } from "../token_actions.ts";
import { columnsOf } from "../token_columns.tsx";
import { TokenForm } from "../token_form.tsx";
import { type Minted, ShownOnce } from "../token_shown.tsx";
import {
  allSpent,
  allTokens,
  narrowed,
  type Narrowing,
  type Token,
} from "../tokens.ts";
import { type Column, Empty, Lost, Table, useLoaded } from "../ui.tsx";

/** What is open over the list. */
type Open = { mint: true } | { edit: Token } | { minted: Minted };

/** Milliseconds between two looks. */
const AGAIN = 30_000;

/** See above. */
export function Tokens({ api }: { api: Api }): JSX.Element {
  const tokens = useLoaded(() => allTokens(api), AGAIN);
  const spent = useLoaded(() => allSpent(api), AGAIN);
  const [narrowing, setNarrowing] = useState(EVERY);
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  const [open, setOpen] = useState<Open>();
  const all = tokens.value ?? [];
  const act = actionsOn(api, {
    again: tokens.again,
    minted: (minted) => setOpen({ minted }),
  });
  const mint = () => setOpen({ mint: true });
  const columns = useMemo(
    () =>
      columnsOf({
        spent: spent.value,
        act,
        onEdit: (edit) => setOpen({ edit }),
      }),
    [spent.value],
  );
  const chosen = all.filter(({ id }) => selected.has(id));
  return (
    <div class="view">
      <Tools
        {...{ all, narrowing }}
        onNarrow={setNarrowing}
        onMint={mint}
      />
      <Lost {...tokens} />
      {chosen.length > 0 && (
        <Bulk
          {...{ chosen, act }}
          onDone={() => setSelected(new Set())}
        />
      )}
      {tokens.value === undefined ? <p class="faint">Loading…</p> : (
        <List
          {...{ all, narrowing, columns, selected }}
          onSelect={(ids, on) => setSelected(chosenOf(selected, ids, on))}
          empty={all.length === 0
            ? <NoTokens onMint={mint} />
            : (
              <Empty title="No token is like that.">
                <button type="button" onClick={() => setNarrowing(EVERY)}>
                  Show all {count(all.length)}
                </button>
              </Empty>
            )}
        />
      )}
      {open && <Over {...{ open, setOpen, api }} again={tokens.again} />}
    </div>
  );
}

/** Those that fit, in the order that was chosen. */
function List(
  { all, narrowing, columns, selected, onSelect, empty }: {
    all: readonly Token[];
    narrowing: Narrowing;
    columns: readonly Column<Token>[];
    selected: ReadonlySet<string>;
    onSelect: (ids: readonly string[], on: boolean) => void;
    empty: JSX.Element;
  },
) {
  const [sorted, setSorted] = useState({ by: "created", down: true });
  const rows = useMemo(() => {
    const sort = columns.find(({ id }) => id === sorted.by)?.sort;
    const found = narrowed(all, narrowing);
    return sort ? inOrder(found, sort, sorted.down) : found;
  }, [all, narrowing, sorted, columns]);
  return (
    <Table
      {...{ rows, columns, sorted, selected, onSelect, empty }}
      keyOf={({ id }) => id}
      label="Tokens"
      onSort={(by) => setSorted({ by, down: sorted.by === by && !sorted.down })}
    />
  );
}

const EVERY: Narrowing = { text: "", status: "", provider: "" };

function inOrder(
  tokens: readonly Token[],
  sort: (token: Token) => string | number,
  down: boolean,
): readonly Token[] {
  const keyed = tokens.map((token) => [sort(token), token] as const);
  const sign = down ? -1 : 1;
  keyed.sort(([a], [b]) => a === b ? 0 : a < b ? -sign : sign);
  return keyed.map(([, token]) => token);
}

function chosenOf(
  selected: ReadonlySet<string>,
  ids: readonly string[],
  on: boolean,
): ReadonlySet<string> {
  const next = new Set(selected);
  for (const id of ids) {
    if (on) next.add(id);
    else next.delete(id);
  }
  return next;
}

function NoTokens({ onMint }: { onMint: () => void }) {
  return (
    <Empty title="There is no token yet.">
      <p>
        A token stands in for your keys: whoever holds one changes base URL and
        key in a normal SDK, and everything works.
      </p>
      <button type="button" class="main" onClick={onMint}>
        Mint the first
      </button>
    </Empty>
  );
}

/** What the list is narrowed by, and minting. */
function Tools(
  { all, narrowing, onNarrow, onMint }: {
    all: readonly Token[];
    narrowing: Narrowing;
    onNarrow: (narrowing: Narrowing) => void;
    onMint: () => void;
  },
) {
  const providers = useMemo(
    () => [...new Set(all.flatMap((token) => token.providers))].sort(),
    [all],
  );
  const set = (change: Partial<Narrowing>) =>
    onNarrow({ ...narrowing, ...change });
  return (
    <div class="tools">
      <label class="grow">
        <span class="hidden">Search</span>
        <input
          type="search"
          placeholder={`Search ${count(all.length)} token${
            all.length === 1 ? "" : "s"
          }`}
          value={narrowing.text}
          onInput={({ currentTarget }) => set({ text: currentTarget.value })}
        />
      </label>
      <select
        aria-label="Status"
        value={narrowing.status}
        onChange={({ currentTarget }) =>
          set({ status: currentTarget.value as Narrowing["status"] })}
      >
        <option value="">Any status</option>
        <option value="active">Active</option>
        <option value="disabled">Disabled</option>
        <option value="expired">Expired</option>
      </select>
      <select
        aria-label="Provider"
        value={narrowing.provider}
        onChange={({ currentTarget }) => set({ provider: currentTarget.value })}
      >
        <option value="">Any provider</option>
        {providers.map((id) => <option key={id} value={id}>{id}</option>)}
      </select>
      <button type="button" class="main" onClick={onMint}>Mint a token</button>
    </div>
  );
}

function Bulk(
  { chosen, act, onDone }: {
    chosen: readonly Token[];
    act: Act;
    onDone: () => void;
  },
) {
  const each = (work: (tokens: readonly Token[]) => Promise<void>) => () =>
    work(chosen).then(onDone);
  return (
    <div class="actions" role="group" aria-label="Selected tokens">
      <span class="grow">{count(chosen.length)} selected</span>
      <button type="button" onClick={each(act.disable)}>Disable</button>
      <button type="button" onClick={each(act.enable)}>Enable</button>
      <button type="button" class="danger" onClick={each(act.remove)}>
        Delete
      </button>
      <button type="button" onClick={onDone}>Clear</button>
    </div>
  );
}

function Over(
  { open, setOpen, api, again }: {
    open: Open;
    setOpen: (open: Open | undefined) => void;
    api: Api;
    again: () => Promise<void>;
  },
) {
  const close = () => setOpen(undefined);
  if ("minted" in open) {
    return <ShownOnce minted={open.minted} onClose={close} />;
  }
  return (
    <TokenForm
      api={api}
      {..."edit" in open && { token: open.edit }}
      onClose={close}
      onDone={async (minted) => {
        setOpen(minted && { minted });
        await again();
      }}
    />
  );
}
