/**
 * Live: what runs now, by token, with bytes and cost as they grow, and what
 * has just ended. Nothing of an earlier look is kept, so that a page left open
 * for days holds no more than one that was just opened.
 *
 * @module
 */

import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { duration } from "../amounts.ts";
import { type Api, Failure } from "../api.ts";
import { byToken, Ended, type Row, Running } from "../live_rows.tsx";
import { ask, type Said, useNames, Wrong } from "../parts.tsx";
import { Dialog, Empty } from "../ui.tsx";

interface Look {
  readonly now: string;
  readonly running: readonly Row[];
  readonly ended: readonly Row[];
}

/** Rows that are drawn at most. */
const MOST = 500;

/** What runs now. */
export function Live({ api }: { api: Api }): JSX.Element {
  const [held, setHeld] = useState(false);
  const { look, fault, at } = useLooks(api, held);
  const [ending, setEnding] = useState<Row>();
  const running = (look?.running ?? []).slice(0, MOST);
  const ended = (look?.ended ?? []).slice(0, MOST);
  const asked = useAsked(running);
  const names = useNames(api, [...running, ...ended].map(({ token }) => token));
  const nameOf = (token: string) => names.get(token) ?? token;
  return (
    <section class="view flow">
      <header class="head">
        <h2>Live</h2>
        <State {...{ fault, at, held }} />
        <button type="button" onClick={() => setHeld(!held)}>
          {held ? "Go on" : "Hold still"}
        </button>
      </header>
      {fault?.status === 404
        ? (
          <Empty title="This doppel has no live view">
            It is older than this page. Usage and a token's last requests show
            what was done.
          </Empty>
        )
        : fault && fault.status > 0 && <Wrong fault={fault} />}
      {look && (
        <>
          <h3>
            Running <span class="faint">{look.running.length}</span>
          </h3>
          <Running
            rows={byToken(running)}
            nameOf={nameOf}
            asked={asked}
            onEnd={setEnding}
          />
          <h3>
            Just ended <span class="faint">{look.ended.length}</span>
          </h3>
          <Ended rows={ended} nameOf={nameOf} />
        </>
      )}
      {ending && (
        <Confirm
          api={api}
          row={ending}
          name={nameOf(ending.token)}
          onClose={(done) => {
            if (done) asked.add(ending.id);
            setEnding(undefined);
          }}
        />
      )}
    </section>
  );
}

/** Ids of those that were told to end, as long as they run. */
function useAsked(running: readonly Row[]): Set<string> {
  const { current } = useRef(new Set<string>());
  for (const id of current) {
    if (!running.some((row) => row.id === id)) current.delete(id);
  }
  return current;
}

/** Milliseconds between two looks, and at most where none comes through. */
const EVERY = 1000;
const SELDOM = 8000;

interface Looks {
  readonly look?: Look;
  readonly fault?: Failure;
  /** When the last look came, milliseconds since the epoch. */
  readonly at?: number;
}

/** Looks as long as somebody sees the page. */
function useLooks(api: Api, held: boolean): Looks {
  const [state, setState] = useState<Looks>({});
  useEffect(() => {
    if (held) return;
    let over = false;
    let looking = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let wait = EVERY;
    const look = async () => {
      clearTimeout(timer);
      if (over || looking || document.hidden) return;
      looking = true;
      const said: Said<Look> = await ask(api, "GET", "/admin/live");
      looking = false;
      if (over) return;
      const lost = "fault" in said;
      wait = lost ? Math.min(2 * wait, SELDOM) : EVERY;
      setState((was) =>
        "fault" in said
          ? { ...was, fault: said.fault }
          : { look: said.value, at: Date.now() }
      );
      if (lost && said.fault.status === 404) return;
      timer = setTimeout(look, wait);
    };
    const wake = () => {
      wait = EVERY;
      look();
    };
    document.addEventListener("visibilitychange", wake);
    addEventListener("online", wake);
    look();
    return () => {
      over = true;
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", wake);
      removeEventListener("online", wake);
    };
  }, [api, held]);
  return state;
}

/** Whether what is seen is what is. */
function State(
  { fault, at, held }: {
    fault: Failure | undefined;
    at: number | undefined;
    held: boolean;
  },
) {
  const seen = at === undefined ? "" : new Date(at).toLocaleTimeString("en-GB");
  const [tone, text] = held
    ? ["faint", `held still, as of ${seen}`]
    : fault?.status === 404
    ? ["faint", "not there"]
    : fault
    ? ["bad", `connection lost${seen && `, as of ${seen}`}; trying again`]
    : at === undefined
    ? ["faint", "looking"]
    : ["good", "live, once a second"];
  return <span class={`state ${tone}`} role="status">{text}</span>;
}

function Confirm(
  { api, row, name, onClose }: {
    api: Api;
    row: Row;
    name: string;
    onClose: (done: boolean) => void;
  },
) {
  const [fault, setFault] = useState<Failure>();
  const [busy, setBusy] = useState(false);
  const end = async () => {
    setBusy(true);
    const said = await ask(
      api,
      "DELETE",
      `/admin/live/${encodeURIComponent(row.id)}`,
    );
    setBusy(false);
    if (!("fault" in said)) return onClose(true);
    setFault(
      said.fault.status === 404
        ? new Failure(404, "It is over already.")
        : said.fault,
    );
  };
  return (
    <Dialog title="End this request?" onClose={() => onClose(false)}>
      <p>
        {row.method} {row.path} of <b>{name}</b>, {duration(row.ms)}{" "}
        old. Its client is told that you ended it, and not to try again. What
        the API made so far is billed.
      </p>
      {fault && <Wrong fault={fault} />}
      <div class="actions">
        <button type="button" onClick={() => onClose(false)}>Let it run</button>
        <button type="button" class="danger" disabled={busy} onClick={end}>
          End it
        </button>
      </div>
    </Dialog>
  );
}
