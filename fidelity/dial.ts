/** A connection to a gateway, in clear or through TLS. */

import { connect } from "node:tls";
import { dial, type Wire, wireOf } from "../test/raw.ts";

export async function dialAny(url: string): Promise<Wire> {
  const { protocol, hostname: host, port } = new URL(url);
  if (protocol === "http:") return await dial(url);
  const ALPNProtocols = ["http/1.1"];
  const socket = connect({
    host,
    port: Number(port || 443),
    servername: host,
    ALPNProtocols,
  });
  await new Promise((resolve, reject) => {
    socket.once("secureConnect", resolve);
    socket.once("error", reject);
  });
  return wireOf(socket);
}
