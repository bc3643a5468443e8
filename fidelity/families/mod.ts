/** All families, in the order of the table. */

import type { Families } from "../case.ts";
import { codings } from "./codings.ts";
import { corpus } from "./corpus.ts";
import { errors } from "./errors.ts";
import { events } from "./events.ts";
import { fields } from "./fields.ts";
import { json } from "./json.ts";
import { large } from "./large.ts";
import { aborts, deaths } from "./leaving.ts";
import { multipart } from "./multipart.ts";
import { redirects } from "./redirects.ts";
import { requests } from "./requests.ts";
import { sockets } from "./sockets.ts";
import { statuses } from "./statuses.ts";
import { targets } from "./targets.ts";

/** `quick`: without what takes long for its size. */
export function families({ quick = false } = {}): Families {
  return {
    targets,
    fields,
    requests,
    json,
    multipart,
    large: large(quick),
    statuses,
    codings,
    events,
    corpus,
    errors,
    redirects,
    aborts,
    deaths,
    sockets,
  };
}
