/**
 * Objects that holders make at an origin (files, batches, stored responses, …)
 * and that everybody with the same key could read: an isolated token reaches
 * those only which were made with it. Names are remembered as hashes.
 *
 * @module
 */

import {
  percentDecode,
  type Provider,
  requestLine,
  type Route,
} from "./provider.ts";
import { hashToken } from "./token.ts";

/** Seconds for which an object is remembered: more than a year. */
export const OBJECT_KEPT = 400 * 86_400;

/** Lower-case hex SHA-256 under which an object is remembered. */
export function objectHash({ id }: Provider, name: string): string {
  return hashToken(`${id} object ${name.toLowerCase()}`);
}

/** The object a path is about. */
export function objectOf(
  { objects }: Provider,
  path: string,
): string | undefined {
  return objects.path.exec(percentDecode(path).replace(/\/+/g, "/"))?.[1];
}

/** What of a request may name objects. */
export interface ObjectSources {
  /** Where it goes. */
  readonly route: Route;
  /** Its method and fields. */
  readonly request: Pick<Request, "method" | "headers">;
  /** The whole content; `undefined` where there is none. */
  readonly content: Uint8Array | undefined;
}

/** Whether the answer lists objects of everybody who has the key. */
export function listsObjects(
  { provider, target }: Route,
  method: string,
): boolean {
  return method === "GET" && objectOf(provider, target.path) === undefined;
}

/** What a file holds is the holder's own words, JSON or not. */
const CONTENT = /\/content|:download|\/results|alt=media/i;

/** Whether the answer may say what was made: not what only computes, however large. */
export function makesObjects(
  { provider, target }: Route,
  method: string,
): boolean {
  const { path, query } = target;
  return !provider.objects.computes.test(requestLine(method, path)) &&
    !CONTENT.test(percentDecode(path + query));
}
