/** A thousand slow streams at once. */

import { type Ask, bytesOf, connection } from "./client.ts";
import { residentOf } from "./proc.ts";
import { percentile } from "./statistics.ts";

/** Milliseconds between looks at the subject's memory. */
const LOOK = 100;

export interface Crowd {
  readonly ask: Ask;
  readonly streams: number;
  /** Milliseconds; what is open then has failed. */
  readonly patience: number;
  /** Whose memory is looked at; `idle` KB were resident before. */
  readonly pid?: number;
  readonly idle?: number;
}

/** All begin at once. Memory is what is resident while most are open, above what was before, KB a stream. */
export async function openStreams(
  { ask, streams, patience, pid, idle = 0 }: Crowd,
) {
  const content = bytesOf(ask);
  const begun = performance.now();
  let resident: number[] = [];
  let [open, most, headed, last, complete] = [0, 0, 0, 0, 0];
  const look = setInterval(() => {
    if (open > most) [most, resident] = [open, []];
    if (pid !== undefined && open === most) resident.push(residentOf(pid));
  }, LOOK);
  const one = () =>
    new Promise<void>((resolve) => {
      const { send, socket } = connection(ask.url);
      let tail = "";
      let ok = false;
      send(content, {
        head(status) {
          ok = status === 200;
          if (!ok) return;
          open++;
          headed++;
          last = performance.now() - begun;
        },
        data: (piece) => tail = (tail + piece.toString("latin1")).slice(-32),
        done(whole) {
          if (ok) open--;
          if (whole && ok && tail.endsWith("data: [DONE]\n\n")) complete++;
          socket.destroy();
          resolve();
        },
      });
    });
  await Promise.race([
    Promise.all(Array.from({ length: streams }, one)),
    new Promise((resolve) => setTimeout(resolve, patience)),
  ]);
  clearInterval(look);
  const plateau = percentile(resident, 0.5);
  return {
    complete,
    most,
    ...headed === streams && { headers: last },
    ...most > 0 && pid !== undefined && { memory: (plateau - idle) / most },
    failed: streams - complete,
  };
}
