/**
 * What is done with tokens, one or many at once, and how it is taken back.
 *
 * @module
 */

import type { Api } from "./api.ts";
import { say, sayFailure } from "./notice.tsx";
import type { Minted } from "./token_shown.tsx";
import type { Token } from "./tokens.ts";

/** The actions; each says what it has done. */
export interface Act {
  enable(tokens: readonly Token[]): Promise<void>;
  disable(tokens: readonly Token[]): Promise<void>;
  /** Off at once, gone when nobody has taken it back. */
  remove(tokens: readonly Token[]): Promise<void>;
  /** The old value works for so many seconds more. */
  rotate(token: Token, graceSeconds: number): Promise<void>;
}

/** Calls that are under way at a time. */
const AT_ONCE = 8;

/** With `again` the list is read again; `minted` is shown. */
export function actionsOn(
  api: Api,
  { again, minted }: {
    again: () => Promise<void>;
    minted: (minted: Minted) => void;
  },
): Act {
  const pathOf = ({ id }: Token) => `/admin/tokens/${id}`;
  const turn = async (tokens: readonly Token[], status: Token["status"]) => {
    await each(
      tokens,
      (token) => api.send("PATCH", pathOf(token), { status }),
    );
    await again();
  };
  const noticed = async (work: () => Promise<unknown>) => {
    try {
      await work();
    } catch (error) {
      sayFailure(error);
      await again();
    }
  };
  return {
    enable: (tokens) =>
      noticed(async () => {
        await turn(tokens, "active");
        say({ text: `${named(tokens)} enabled.` });
      }),
    disable: (tokens) =>
      noticed(async () => {
        await turn(tokens, "disabled");
        const undo = () => void noticed(() => turn(tokens, "active"));
        say({ text: `${named(tokens)} disabled.`, undo });
      }),
    remove: (tokens) =>
      noticed(async () => {
        const were = tokens.filter(({ status }) => status === "active");
        await turn(were, "disabled");
        say({
          text: `${named(tokens)} taken back, and deleted in a moment.`,
          undo: () => void noticed(() => turn(were, "active")),
          done: () =>
            void noticed(async () => {
              await each(tokens, (token) => api.send("DELETE", pathOf(token)));
              await again();
            }),
        });
      }),
    rotate: (token, graceSeconds) =>
      noticed(async () => {
        const path = `${pathOf(token)}/rotate`;
        minted(await api.send<Minted>("POST", path, { graceSeconds }));
        await again();
      }),
  };
}

function named(tokens: readonly Token[]): string {
  const [only] = tokens;
  return tokens.length === 1
    ? `“${only!.label}” is`
    : `${tokens.length} tokens are`;
}

async function each(
  tokens: readonly Token[],
  work: (token: Token) => Promise<unknown>,
): Promise<void> {
  const left = [...tokens];
  const worker = async () => {
    for (let token = left.shift(); token; token = left.shift()) {
      await work(token);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}
