/**
 * `doppel provider …` and `doppel alias …`.
 *
 * @module
 */

import { type Call, type Commands, segment } from "./command.ts";
import { details, type Row, table } from "./print.ts";

const FIELDS = "[--slot S] [--wire W] [--models 'GLOB,GLOB'] [--priority N]";

/** What is shown of a provider in a list. */
const SHOWN = ["id", "source", "origin", "priority", "models", "credentials"];

/** And of a model. */
const MODEL = ["id", "kind", "context", "output", "owner"];

/** The commands on providers. */
export function providerCommands(call: Call): Commands {
  const list = async () => {
    const { providers } = await call("GET", "/admin/providers");
    return { json: providers, text: table(SHOWN, providers as Row[]) };
  };
  const one = async (method: string, id: string, body?: Row) => {
    const json = await call(method, `/admin/providers/${segment(id)}`, body);
    return { json, text: details(json) };
  };
  return {
    [`provider add ID --origin URL ${FIELDS}`]: (fields, id) =>
      one("PUT", id, fields),
    "provider list": list,
    "providers": list,
    "provider show ID": (_, id) => one("GET", id),
    [`provider set ID [--origin URL] ${FIELDS}`]: (fields, id) =>
      one("PUT", id, fields),
    "provider models ID [--refresh]": async ({ refresh }, id) => {
      const path = `/admin/providers/${segment(id)}/models`;
      const json = await call(refresh ? "POST" : "GET", path);
      return { json, text: table(MODEL, json.models as Row[]) };
    },
    "provider delete ID": async (_, id) => {
      await call("DELETE", `/admin/providers/${segment(id)}`);
      return { json: { id, deleted: true }, text: `${id} is deleted.` };
    },
  };
}

/** The commands on aliases. */
export function aliasCommands(call: Call): Commands {
  const pathOf = (name: string) => `/admin/aliases/${segment(name)}`;
  return {
    "alias set NAME MODELS": async (_, name, models) => {
      const to = models!.split(",").map((model) => model.trim());
      const json = await call("PUT", pathOf(name), { to });
      return { json, text: details(json) };
    },
    "alias list": async () => {
      const { aliases } = await call("GET", "/admin/aliases");
      return { json: aliases, text: table(["name", "to"], aliases as Row[]) };
    },
    "alias delete NAME": async (_, name) => {
      await call("DELETE", pathOf(name));
      return { json: { name, deleted: true }, text: `${name} is deleted.` };
    },
  };
}
