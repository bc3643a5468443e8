/**
 * What the list shows of a token.
 *
 * @module
 */

import type { JSX } from "preact";
import { count, money } from "./amounts.ts";
import type { Act } from "./token_actions.ts";
import { type Spent, stateOf, type Token } from "./tokens.ts";
import { Badge, Bar, type Column, RelativeTime } from "./ui.tsx";

const TONES = { active: "good", disabled: "bad", expired: "warn" } as const;

/** What columns show beside the token, and what their buttons do. */
interface Columns {
  readonly spent: ReadonlyMap<string, Spent> | undefined;
  readonly act: Act;
  readonly onEdit: (token: Token) => void;
}

/** The columns. */
export function columnsOf(
  { spent, act, onEdit }: Columns,
): readonly Column<Token>[] {
  return [
    {
      id: "label",
      title: "Label",
      sort: ({ label }) => label.toLowerCase(),
      cell: (token) => <Name token={token} onEdit={onEdit} />,
    },
    ...SCOPES,
    ...moneyColumns(spent),
    ...TIMES,
    {
      id: "actions",
      title: "Actions",
      cell: (token) => <Buttons token={token} act={act} />,
    },
  ];
}

const SCOPES: readonly Column<Token>[] = [
  {
    id: "status",
    title: "Status",
    sort: stateOf,
    cell: (token) => {
      const state = stateOf(token);
      return <Badge tone={TONES[state]}>{state}</Badge>;
    },
  },
  {
    id: "providers",
    title: "Providers",
    cell: ({ providers }) => <Some names={providers} />,
  },
];

function moneyColumns(spent: Columns["spent"]): readonly Column<Token>[] {
  const day = ({ id }: Token) => spent?.get(id)?.day ?? 0;
  return [
    {
      id: "spent",
      title: "Today",
      right: true,
      sort: day,
      cell: (token) => spent ? money(day(token)) : "…",
    },
    {
      id: "limits",
      title: "Limits",
      cell: (token) => <Limits token={token} spent={spent?.get(token.id)} />,
    },
  ];
}

const TIMES: readonly Column<Token>[] = [
  {
    id: "lastUsed",
    title: "Last used",
    sort: ({ lastUsed }) => lastUsed ?? "",
    cell: ({ lastUsed }) => <RelativeTime time={lastUsed} />,
  },
  {
    id: "expires",
    title: "Expires",
    sort: ({ expires }) => expires ?? "9",
    cell: ({ expires }) => <RelativeTime time={expires} />,
  },
  {
    id: "created",
    title: "Created",
    sort: ({ created }) => created,
    cell: ({ created }) => <RelativeTime time={created} />,
  },
];

function Name(
  { token, onEdit }: { token: Token; onEdit: (token: Token) => void },
) {
  const { id, last4, label, note } = token;
  return (
    <>
      <button
        type="button"
        class="quiet name"
        title={note || label}
        onClick={() => onEdit(token)}
      >
        {label}
      </button>
      <span class="mono faint">{id} …{last4}</span>
    </>
  );
}

/** As many as fit. */
const MOST = 3;

function Some({ names }: { names: readonly string[] }): JSX.Element {
  const more = names.slice(MOST);
  return (
    <>
      {names.slice(0, MOST).map((name) => <Badge key={name}>{name}</Badge>)}
      {more.length > 0 && <span title={more.join(", ")}>+{more.length}</span>}
    </>
  );
}

function Limits({ token, spent }: { token: Token; spent: Spent | undefined }) {
  const { requests, tokens, concurrency, budget } = token.limits;
  const words = [
    requests !== undefined && `${count(requests)}/min`,
    tokens !== undefined && `${count(tokens)} tokens/min`,
    concurrency !== undefined && `${count(concurrency)} at a time`,
    budget?.total !== undefined && `${money(budget.total)} in all`,
  ].filter(Boolean);
  const none = words.length === 0 && budget === undefined;
  return (
    <>
      {budget?.day !== undefined && (
        <Bar
          used={spent?.day ?? 0}
          of={budget.day}
          label={`${money(spent?.day ?? 0)} of ${money(budget.day)} today`}
        />
      )}
      {budget?.month !== undefined && (
        <Bar
          used={spent?.month ?? 0}
          of={budget.month}
          label={`${money(spent?.month ?? 0)} of ${
            money(budget.month)
          } this month`}
        />
      )}
      {none ? <span class="faint">none</span> : words.join(" · ")}
    </>
  );
}

/** Seconds that a rotated token still works. */
const GRACE = 600;

function Buttons({ token, act }: { token: Token; act: Act }) {
  const { label, status } = token;
  return (
    <span class="buttons">
      {status === "active"
        ? (
          <button
            type="button"
            aria-label={`Disable ${label}`}
            onClick={() => act.disable([token])}
          >
            Disable
          </button>
        )
        : (
          <button
            type="button"
            aria-label={`Enable ${label}`}
            onClick={() => act.enable([token])}
          >
            Enable
          </button>
        )}
      <button
        type="button"
        aria-label={`Rotate ${label}`}
        title="A new value; the old one works for 10 minutes more"
        onClick={() => act.rotate(token, GRACE)}
      >
        Rotate
      </button>
      <button
        type="button"
        class="danger"
        aria-label={`Delete ${label}`}
        onClick={() => act.remove([token])}
      >
        Delete
      </button>
    </span>
  );
}
