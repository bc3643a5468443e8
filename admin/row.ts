/**
 * One operation of the admin API: routes and OpenAPI document are both made
 * from tables of these.
 *
 * @module
 */

import type * as v from "valibot";
import { NoQuery } from "./fields.ts";
import type { Work } from "./work.ts";

type Schema = v.GenericSchema;

/** One row. */
export interface Operation {
  /** Method and path in Hono's notation. */
  readonly route: `${"GET" | "POST" | "PUT" | "PATCH" | "DELETE"} ${string}`;
  /** What it does, in a few words. */
  readonly summary: string;
  /** Its parameters. */
  readonly query: Schema;
  /** Absent: it takes no body. */
  readonly body?: Schema;
  /** Of success; 204 where there is no answer. */
  readonly status: 200 | 201 | 204;
  /** Absent: it answers with no content. */
  readonly answer?: Schema;
  /** Does it. */
  readonly run: (work: Work<unknown, unknown>) => Promise<unknown>;
  /** The same as comma-separated values, for whoever accepts these. */
  readonly csv?: (work: Work<unknown, unknown>) => Promise<string>;
}

/** Ties the types of a row's schemas to those its work receives. */
export function row<
  Query extends Schema = typeof NoQuery,
  Body extends Schema = Schema,
>(
  route: Operation["route"],
  summary: string,
  rest: {
    query?: Query;
    body?: Body;
    status?: 201;
    answer?: Schema;
    run: (
      work: Work<v.InferOutput<Body>, v.InferOutput<Query>>,
    ) => Promise<unknown>;
    csv?: (
      work: Work<v.InferOutput<Body>, v.InferOutput<Query>>,
    ) => Promise<string>;
  },
): Operation {
  const status = rest.answer === undefined ? 204 : 200;
  return { query: NoQuery, status, ...rest, route, summary } as Operation;
}
