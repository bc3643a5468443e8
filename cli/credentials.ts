/**
 * `doppel credential …`.
 *
 * @module
 */

import { readFileSync, writeFileSync } from "node:fs";
import { ProblemError } from "../core/problem.ts";
import { askSecret } from "./ask.ts";
import {
  type Call,
  type Commands,
  type Output,
  segment,
  type Slowly,
} from "./command.ts";
import { checkText, details, type Row, table } from "./print.ts";
import { exported, imported, readTable } from "./table.ts";
import { type Known, openVault, planOf, vaultIn } from "./vault.ts";

const FIELDS = `
             [--kind paid|free] [--weight N] [--priority N]
             [--models 'GLOB,GLOB'] [--expires 30d|TIME|never] [--note N]`;

/** What is shown of one in a list. */
const SHOWN = [
  ...["id", "provider", "source", "tail", "kind", "priority", "weight"],
  ...["models", "status", "cooling", "note"],
];

/** The commands, over the admin API. */
export function credentialCommands(call: Call): Commands {
  const one = async (method: string, id: string, body?: Row) =>
    shown(await call(method, pathOf(id), body));
  return {
    [`credential add --provider P [--id ID] [--key-file FILE]${FIELDS}`]:
      async ({ keyFile, ...fields }) => {
        const key = await askSecret("key", keyFile as string | undefined);
        return shown(await call("POST", PATH, { ...fields, key }));
      },
    "credential list": async () => {
      const { credentials } = await call("GET", PATH) as Record<string, Row[]>;
      const text = table(SHOWN, credentials!.map(plain));
      return { json: credentials, text };
    },
    "credential show ID": (_, id) => one("GET", id),
    [`credential set ID [--key-file FILE|-]${FIELDS}`]: async (
      { keyFile, ...fields },
      id,
    ) => {
      const key = keyFile !== undefined &&
        { key: await askSecret("key", keyFile as string) };
      return await one("PUT", id, { ...fields, ...key });
    },
    "credential disable ID": (_, id) => one("PUT", id, { status: "disabled" }),
    "credential enable ID": (_, id) => one("PUT", id, { status: "active" }),
    "credential delete ID": async (_, id) => {
      await call("DELETE", pathOf(id));
      return { json: { id, deleted: true }, text: `${id} is deleted.` };
    },
    "credential warm ID": async (_, id) => {
      const json = await call("POST", `${pathOf(id)}/warm`);
      return { json, text: `${json.ended} cooldowns of ${id} are ended.` };
    },
    "credential check [ID…]": (_, ...ids) => checkEach(ids, call),
    "credential rotate": async () => {
      const json = await call("POST", `${PATH}/rotate`);
      return { json, text: details(json) };
    },
    "credential import FILE [--password-file F]": ({ passwordFile }, file) =>
      importFile(file, { call, passwordFile: passwordFile as string }),
    "credential export FILE": (_, file) => exportFile(file, call),
  };
}

const PATH = "/admin/credentials";

function pathOf(id: string): string {
  return `${PATH}/${segment(id)}`;
}

function shown(credential: Row): Output {
  return { json: credential, text: details(plain(credential)) };
}

/** With its cooldowns in words. */
function plain({ cooling, ...rest }: Row): Row {
  const words = (cooling as Row[]).map(({ model, until, why }) =>
    `${model ?? "every model"} until ${until} (${why})`
  );
  return { ...rest, cooling: words };
}

/** One after another, so that no API sees two keys come at once; all of them where none is named. */
async function* checkEach(named: readonly string[], call: Call): Slowly {
  const { credentials } = named.length > 0
    ? { credentials: named.map((id) => ({ id })) }
    : await call("GET", PATH) as { credentials: readonly { id: string }[] };
  const width = Math.max(...credentials.map(({ id }) => id.length));
  const checked: Row[] = [];
  for (const { id } of credentials) {
    const result = await call("GET", `${pathOf(id)}/check`);
    checked.push(result);
    yield checkText(result, width);
  }
  const text = checked.length === 0 ? "none" : "";
  return { json: checked, text, failed: checked.some(({ ok }) => !ok) };
}

/** Sealed as they are kept, with the providers that are not in the table. */
async function exportFile(file: string, call: Call): Promise<Output> {
  const { version, credentials, providers } = await exported(call);
  const json = {
    version,
    tokens: [],
    credentials,
    providers: providers.filter(({ origin }) => origin !== undefined),
    aliases: [],
  };
  const text = JSON.stringify(json, null, 2) + "\n";
  writeFileSync(file, text, { mode: 0o600, flag: "wx" });
  const count = credentials.length;
  return {
    json: { exported: count },
    text: `${count} credentials are in ${file}, sealed.`,
  };
}

/** A vault, or what `export` wrote. */
async function importFile(
  file: string,
  { call, passwordFile }: { call: Call; passwordFile: string | undefined },
): Promise<Output> {
  const vault = vaultIn(readFileSync(file));
  if (vault === undefined) {
    const { tokens: _, ...rest } = readTable(file);
    const json = await imported(call, { ...rest, tokens: [], aliases: [] });
    return { json, text: details(json) };
  }
  const password = await askSecret("password of the vault", passwordFile);
  const { providers } = await call("GET", "/admin/providers");
  const plan = planOf(openVault(vault, password), providers as Known[]);
  const unplaced: Row[] = plan.unplaced.map((lost) => ({ ...lost }));
  for (const [id, body] of plan.providers) {
    const path = `/admin/providers/${segment(id)}`;
    const what = await refusalOf(call("PUT", path, body));
    if (what) unplaced.push({ where: id, what: what.message });
  }
  const counts = { imported: 0, known: 0 };
  for (const body of plan.credentials) {
    const what = await refusalOf(call("POST", PATH, body));
    if (what === undefined) counts.imported++;
    else if (what.status === 409 && what.field === "/key") counts.known++;
    else unplaced.push({ where: `${body.provider} keys`, what: what.message });
  }
  const lost = `\n\nWithout a place here:\n${
    table(["where", "what"], unplaced)
  }`;
  const text = details(counts) + (unplaced.length > 0 ? lost : "");
  return { json: { ...counts, unplaced }, text };
}

/** Why doppel did not do it: one thing that cannot be taken keeps no other out. */
async function refusalOf(
  call: Promise<unknown>,
): Promise<ProblemError | undefined> {
  try {
    await call;
  } catch (error) {
    const refused = error instanceof ProblemError &&
      [400, 409].includes(error.status);
    if (refused) return error;
    throw error;
  }
}
