/**
 * Settings.
 *
 * @module
 */

import type { JSX } from "preact";
import type { Api } from "../api.ts";
import { Empty } from "../ui.tsx";

/** See above. */
export function Settings(_: { api: Api }): JSX.Element {
  return <Empty title="Settings" />;
}
