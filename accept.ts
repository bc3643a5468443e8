/**
 * The client's end of a socket, as each runtime's server gives it. Both answer
 * pings by themselves. Neither sends any: Deno can only through a timer that
 * outlives a vanished client and then holds up the stop.
 *
 * @module
 */

import {
  type Accept,
  type End,
  LARGEST_MESSAGE,
  type Listener,
  type Message,
} from "./core/socket.ts";

/** Deno's: a WHATWG socket, and the response that opens it. */
export type UpgradeWebSocket = (
  request: Request,
  options: { idleTimeout: number },
) => { readonly socket: WebSocket; readonly response: Response };

/** Accepts with a response; such a socket cannot be held back. */
export function acceptByResponse(upgrade: UpgradeWebSocket): Accept {
  return (request, fields) => {
    const upgraded = attempt(() => upgrade(request, { idleTimeout: 0 }));
    if (upgraded === undefined) return undefined;
    const { socket, response } = upgraded;
    // The subprotocol too: as an option it must be one of the items as Deno
    // splits them, which are wrong without a space after the comma.
    fields.forEach((value, name) => response.headers.set(name, value));
    socket.binaryType = "arraybuffer";
    const open = () => socket.readyState === WebSocket.OPEN;
    // Deno forgets a close that comes before its own `open`.
    let early: [code: number, reason: string] | undefined;
    return {
      response,
      client: {
        listen(listener) {
          socket.onopen = () => {
            listener.opened();
            if (early) socket.close(...early);
          };
          socket.onmessage = ({ data }) =>
            listener.message(
              typeof data === "string" ? data : new Uint8Array(data),
            );
          socket.onclose = ({ code, reason }) => listener.closed(code, reason);
          // Followed by a close, which says as much.
          socket.onerror = (event) => event.preventDefault();
        },
        send: (message) => open() && socket.send(message),
        waiting: () => socket.bufferedAmount,
        pause: () => false,
        resume() {},
        close(code, reason) {
          if (socket.readyState !== WebSocket.CONNECTING) {
            socket.close(code, reason);
          } else early = [code, reason];
        },
      },
    };
  };
}

/** Deno throws where it cannot upgrade. */
function attempt<Value>(make: () => Value): Value | undefined {
  try {
    return make();
  } catch {
    return undefined;
  }
}

/** A socket of Bun's server. */
interface ServerSocket {
  readonly data: {
    socket: ServerSocket | undefined;
    listener: Listener | undefined;
  };
  readonly readyState: number;
  send(message: Message): number;
  getBufferedAmount(): number;
  pause(): void;
  resume(): void;
  close(code: number, reason: string): void;
}

/** Bun's server. */
export interface UpgradingServer {
  /** `false`: not a handshake. Calls `open()` before or after it returns. */
  upgrade(
    request: Request,
    options: { headers: Headers; data: ServerSocket["data"] },
  ): boolean;
}

/** Accepts behind the response's back; the response is only a sign, and not for the client. */
export function acceptByServer(server: () => UpgradingServer): Accept {
  return (request, headers) => {
    const data: ServerSocket["data"] = {
      socket: undefined,
      listener: undefined,
    };
    if (!server().upgrade(request, { headers, data })) return undefined;
    const open = () => data.socket?.readyState === WebSocket.OPEN;
    const client: End = {
      listen(listener) {
        data.listener = listener;
        if (open()) listener.opened();
      },
      send: (message) => open() && data.socket!.send(message),
      waiting: () => open() ? data.socket!.getBufferedAmount() : 0,
      pause() {
        if (open()) data.socket!.pause();
        return true;
      },
      resume: () => open() && data.socket!.resume(),
      close: (code, reason) => open() && data.socket!.close(code, reason),
    };
    return { response: new Response(null, { status: 101 }), client };
  };
}

/** `websocket` of Bun's default export, for {@linkcode acceptByServer}. */
export const SERVER_SOCKETS = {
  perMessageDeflate: false,
  maxPayloadLength: LARGEST_MESSAGE,
  // Nothing is thrown away: relay() holds the origin back.
  backpressureLimit: 4 * LARGEST_MESSAGE,
  closeOnBackpressureLimit: false,
  idleTimeout: 0,
  open(socket: ServerSocket) {
    socket.data.socket = socket;
    socket.data.listener?.opened();
  },
  message(socket: ServerSocket, message: Message) {
    socket.data.listener?.message(message);
  },
  close({ data }: ServerSocket, code: number, reason: string) {
    data.listener?.closed(code, reason);
  },
};
