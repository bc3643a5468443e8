/**
 * A key as the page knows it: masked, as all of doppel shows it.
 *
 * @module
 */

import type { Api } from "./api.ts";

/** A credential as it is listed. */
export interface Key {
  readonly id: string;
  readonly provider: string;
  readonly source: "stored" | "environment";
  readonly tail: string;
  readonly note: string;
  readonly kind: "paid" | "free";
  readonly weight: number;
  readonly priority: number;
  readonly models: readonly string[];
  readonly status: "active" | "disabled" | "unreadable";
  readonly expires: string | null;
  readonly cooling: readonly {
    readonly model: string | null;
    readonly until: string;
    readonly why: string;
    readonly status?: number;
  }[];
}

/** What can be done with a row. */
export interface Actions {
  readonly api: Api;
  readonly again: () => Promise<void>;
  readonly edit: (key: Key) => void;
  readonly hold: (on: boolean) => void;
  readonly step: (by: -1 | 1) => void;
  readonly weigh: (weight: number) => void;
}

/** The path of one key. */
export function pathOf(id: string): string {
  return `/admin/credentials/${encodeURIComponent(id)}`;
}
