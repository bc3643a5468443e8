/**
 * A doppel on one runtime between an SDK and the stand-in origins, all over
 * real sockets; and the suite every SDK goes through on it.
 */

import assert from "node:assert/strict";
import {
  type Runtime,
  RUNTIMES,
  startDoppel,
  type Subject,
  until,
} from "../subject.ts";
import { rejection, sent, within } from "./check.ts";
import { APIS, type Origin, startOrigin } from "./origin.ts";

/** A way to one API: what the base URL ends with, and what the token is for. */
export interface Door {
  readonly name: string;
  readonly api: string;
  readonly path: string;
  /** The token is for this API only, not for all. */
  readonly alone?: true;
  /** And nothing else says so: with a token for others one gets elsewhere. */
  readonly mute?: true;
}

export interface Stage {
  readonly runtime: Runtime;
  readonly doppel: Subject;
  readonly origin: Origin;
}

/** What a law is tried on. */
export interface Scene<Sdk, Client> extends Stage {
  readonly sdk: Sdk;
  readonly client: Client;
  /** The base URL the client was given, without a trailing slash. */
  readonly base: string;
  /** The client's. */
  readonly token: string;
  /** Another client, whose token has these fields. */
  as(fields: Record<string, unknown>): Promise<Client>;
}

export type Laws<Sdk, Client> = Readonly<
  Record<string, (scene: Scene<Sdk, Client>) => Promise<unknown>>
>;

export interface Suite<Sdk, Client, D extends Door> {
  /** Under test, by name and version. */
  readonly sdks: Readonly<Record<string, Sdk>>;
  readonly doors: readonly D[];
  /** The client a user would make; only base URL and key are not his own. */
  connect(sdk: Sdk, to: { base: string; token: string; door: D }): Client;
  /** What must hold at every door. */
  readonly laws: Laws<Sdk, Client>;
  /** Calls that must raise the SDK's own error when doppel refuses them. */
  readonly calls: Readonly<
    Record<string, (client: Client, expected: Expected) => Promise<unknown>>
  >;
  /** Asserts that `error` is what this SDK's users expect. */
  raised(sdk: Sdk, error: unknown, expected: Expected): void;
}

export interface Expected {
  readonly status: number;
  /** Is in the message. */
  readonly said: RegExp;
}

/** Runs everything on both runtimes, for every version, at every door. */
export function suite<Sdk, Client, D extends Door>(
  name: string,
  { sdks, doors, connect, laws, calls, raised }: Suite<Sdk, Client, D>,
) {
  for (const runtime of RUNTIMES) {
    Deno.test(`${name} works unchanged through doppel on ${runtime}`, (t) =>
      onStage(runtime, async (stage) => {
        for (const [version, sdk] of Object.entries(sdks)) {
          for (const door of doors) {
            await enter(t, { stage, version, sdk, door });
          }
        }
      }));
  }

  async function enter(
    t: Deno.TestContext,
    { stage, version, sdk, door }: {
      stage: Stage;
      version: string;
      sdk: Sdk;
      door: D;
    },
  ) {
    const at = `${version} at ${door.name}`;
    const base = stage.doppel.url + door.path;
    const mint = (fields: Record<string, unknown>) =>
      stage.doppel.mint({ ...scopeOf(door), ...fields });
    const token = await mint({});
    const scene = {
      ...stage,
      sdk,
      token,
      base: base.replace(/\/$/, ""),
      client: connect(sdk, { base, token, door }),
      as: async (fields: Record<string, unknown>) =>
        connect(sdk, { base, token: await mint(fields), door }),
    };
    for (const [law, holds] of Object.entries(laws)) {
      await t.step(`${at}: ${law}`, async () => {
        await within(holds(scene));
      });
      stage.origin.open();
    }
    for (const refusal of REFUSALS) {
      if (door.mute && refusal.code === "provider_denied") continue;
      await t.step(
        `${at}: ${refusal.name} is refused`,
        () =>
          spoiled(stage, { refusal, door }, async (token) => {
            const client = connect(sdk, { base, token, door });
            for (const [call, make] of Object.entries(calls)) {
              await refusedOnce(stage, refusal, async () => {
                const error = await rejection(call, make(client, refusal));
                raised(sdk, error, refusal);
              });
            }
          }),
      );
    }
  }
}

/** Raises the stage, and takes it down with the one law of all suites: nothing went around doppel. */
export async function onStage(
  runtime: Runtime,
  play: (stage: Stage) => Promise<void>,
) {
  const origin = await startOrigin();
  const doppel = await startDoppel({
    runtime,
    env: origin.upstreams,
  });
  const before = sent.length;
  try {
    await play({ runtime, doppel, origin });
    const around = sent.slice(before).map(({ url }) => url)
      .filter((url) => !url.startsWith(doppel.url));
    assert.deepEqual(around, [], "went around doppel");
    assert.deepEqual(origin.faults, [], "reached an origin wrongly");
  } finally {
    await doppel.stop();
    await origin.stop();
  }
}

function scopeOf({ api, alone }: Door) {
  return { providers: alone ? [api] : APIS };
}

/** What a closed row does not list. */
export const UNLISTED = {
  status: 404,
  code: "no_route",
  said: /No API behind this doppel has such a path/,
} as const;

interface RefusalCase extends Expected {
  readonly name: string;
  readonly code: string;
  /** Of the token. */
  readonly fields?: (door: Door) => Record<string, unknown>;
  /** Done to the token, or to doppel, before the call. */
  spoil?(stage: Stage, path: string): Promise<unknown>;
  mend?(stage: Stage): Promise<unknown>;
}

const REFUSALS: readonly RefusalCase[] = [
  {
    name: "an unknown token",
    status: 401,
    code: "token_invalid",
    said: /Unknown or revoked doppel token/,
    spoil: ({ doppel }, path) => doppel.admin("DELETE", path),
  },
  {
    name: "a disabled token",
    status: 401,
    code: "token_invalid",
    said: /Unknown or revoked doppel token/,
    spoil: ({ doppel }, path) =>
      doppel.admin("PATCH", path, { status: "disabled" }),
  },
  {
    name: "an expired token",
    status: 401,
    code: "token_expired",
    said: /doppel token has expired/,
    fields: () => ({ expires: "2026-01-01T00:00:00Z" }),
  },
  {
    name: "a token for other models",
    status: 403,
    code: "model_denied",
    said: /doppel token is not valid for this model|names no model/,
    fields: () => ({ models: ["some-other-*"] }),
  },
  {
    name: "a token for other APIs",
    status: 403,
    code: "provider_denied",
    said: /doppel token is not valid for this API/,
    // Two: a token for one API only would itself say where it goes.
    fields: ({ api }) => ({ providers: APIS.filter((id) => id !== api) }),
  },
  {
    name: "whoever comes while doppel is paused",
    status: 503,
    code: "paused",
    said: /doppel is paused/,
    spoil: ({ doppel }) => doppel.admin("PUT", "/admin/pause", {}),
    mend: ({ doppel }) => doppel.admin("DELETE", "/admin/pause"),
  },
];

/** Gives `use` a token that is refused for the reason. */
async function spoiled(
  stage: Stage,
  { refusal, door }: { refusal: RefusalCase; door: Door },
  use: (token: string) => Promise<void>,
) {
  const token = await stage.doppel.mint({
    ...scopeOf(door),
    ...refusal.fields?.(door),
  });
  const id = token.slice("dpl_".length).split("_")[0];
  await refusal.spoil?.(stage, `/admin/tokens/${id}`);
  try {
    await use(token);
  } finally {
    await refusal.mend?.(stage);
  }
}

/** Asserts that `act` made one request, refused for the reason, and that no origin heard of it. */
export async function refusedOnce(
  stage: Stage,
  { status, code }: { readonly status: number; readonly code: string },
  act: () => Promise<void>,
) {
  const heard = stage.origin.received.length;
  const lines = await linesDuring(stage, act);
  assert.deepEqual(
    lines.map(({ status, refused }) => ({ status, refused })),
    [{ status, refused: code }],
  );
  assert.equal(stage.origin.received.length, heard);
}

let marks = 0;

/** The log lines of the requests `act` made: those before the line of a request made after it. */
export async function linesDuring(
  { doppel }: Stage,
  act: () => Promise<void>,
): Promise<Record<string, unknown>[]> {
  const before = doppel.lines().length;
  await act();
  const mark = `/v1/mark-${++marks}`;
  const answer = await fetch(doppel.url + mark);
  await answer.body?.cancel();
  const lines = await until(() => {
    const lines = doppel.lines().slice(before);
    return lines.some(({ path }) => path === mark) && lines;
  });
  return lines.filter(({ path }) => path !== mark);
}
