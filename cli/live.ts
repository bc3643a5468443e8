/**
 * `doppel live …`.
 *
 * @module
 */

import { type Call, type Commands, segment } from "./command.ts";
import { type Row, table } from "./print.ts";

/** What is shown of a request. */
const SHOWN = ["id", "token", "provider", "model", "bytes", "cost", "ms"];

/** And of one that is over. */
const OVER = [...SHOWN, "status", "ending", "refused"];

/** The commands on what runs. */
export function liveCommands(call: Call): Commands {
  return {
    "live end ID": async (_, id) => {
      await call("DELETE", `/admin/live/${segment(id)}`);
      return { json: { id, ended: true }, text: `${id} is ended.` };
    },
    "live": async () => {
      const json = await call("GET", "/admin/live");
      const running = table(SHOWN, json.running as Row[]);
      const ended = table(OVER, json.ended as Row[]);
      const more = json.more ? `\nand ${json.more} more` : "";
      const text = `running\n${running}${more}\n\njust ended\n${ended}`;
      return { json, text };
    },
  };
}
