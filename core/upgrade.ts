/**
 * A request that asks for a socket: the origin is dialled first, and the client
 * gets its 101 only behind the origin's, so that whoever refuses does it in HTTP.
 *
 * @module
 */

import type { Flights } from "./flight.ts";
import { isRefusal, type Refusal } from "./refusal.ts";
import { relay } from "./relay.ts";
import { type Journey, respond } from "./respond.ts";
import { fieldsDown } from "./rewrite.ts";
import {
  type Accept,
  type Dialling,
  type Message,
  readHandshake,
  type SocketEgress,
  type Upgrading,
} from "./socket.ts";
import type { Sockets } from "./sockets.ts";

/** What sockets need of the process. */
export interface SocketDeps {
  /** Opens the origin's end. */
  readonly dial: SocketEgress;
  /** Opens the client's end. */
  readonly accept: Accept;
  /** All sockets that are open. */
  readonly sockets: Sockets;
  /** All flights of the process. */
  readonly flights: Flights;
}

/** What a socket is opened with: the same, whose key is settled. */
export interface Opening extends Omit<SocketDeps, "dial"> {
  /** Opens the origin's end. */
  readonly dial: (upgrading: Omit<Upgrading, "credential">) => Dialling;
}

/** Joins client and origin; an origin that refuses is passed on as it answers. */
export async function openSocket(
  request: Request,
  journey: Journey,
  { dial, accept, sockets, flights }: Opening,
): Promise<Response | Refusal> {
  const handshake = readHandshake(request.headers);
  if (isRefusal(handshake)) return { ...handshake, unsent: true };
  const { journal, route, signal } = journey;
  const received = request.headers;
  const { protocols } = handshake;
  const dialled = await dial({
    ...route,
    received,
    protocols,
    signal,
  });
  if (isRefusal(dialled)) return dialled;
  if (dialled.hop) journal.note({ hop: true });
  if ("response" in dialled) return await respond(dialled, journey);
  const { origin, protocol } = dialled;
  const fields = fieldsDown(dialled.received, journey.own?.());
  if (protocol !== undefined) fields.set("sec-websocket-protocol", protocol);
  if (!fields.has("x-request-id")) fields.set("x-request-id", journal.id);
  const accepted = accept(request, fields);
  if (accepted === undefined) {
    origin.resume();
    origin.close(1001, "The client left");
    return { refused: "client_closed" };
  }
  const originId = dialled.received.get("x-request-id");
  journal.note({
    status: 101,
    firstByteMs: journal.elapsed(),
    ...(originId !== null && { originId }),
  });
  const { client, response } = accepted;
  const meter = journey.meter?.({ status: 101, headers: dialled.received });
  const tap = meter && ((message: Message) => meter.seeMessage(message));
  relay({ ...journey, client, origin, flights, tap }, sockets);
  return response;
}
