import { createSocket } from "node:dgram";
import { connect } from "node:net";
import { messageOf } from "../core/errors.js";

/** The other end of a connection. */
export interface Peer {
  readonly protocol: "tcp" | "udp";
  readonly address: string;
  readonly port: number;
}

export interface Exchange {
  /** Bytes received until the peer closed the connection or the time limit; one datagram with UDP. */
  readonly text: string;
  /** Time to the first byte; undefined without an answer. */
  readonly ms: number | undefined;
  /** Why the connection failed. */
  readonly error: string | undefined;
}

/** Connects to a peer, sends nothing (an empty line with UDP), and receives. Never rejects. */
export function exchange(peer: Peer, limitMs: number, signal: AbortSignal): Promise<Exchange> {
  if (signal.aborted) return Promise.resolve({ text: "", ms: undefined, error: "interrupted" });
  return peer.protocol === "tcp" ? overTcp(peer, limitMs, signal) : overUdp(peer, limitMs, signal);
}

function overTcp({ address, port }: Peer, limitMs: number, signal: AbortSignal) {
  return new Promise<Exchange>((resolve) => {
    const begun = performance.now();
    let text = "";
    let ms: number | undefined;
    const socket = connect({ host: address, port });
    const end = (error?: string) => {
      clearTimeout(timer);
      signal.removeEventListener("abort", stop);
      socket.destroy();
      resolve({ text, ms, error });
    };
    const stop = () => {
      end("interrupted");
    };
    const timer = setTimeout(() => {
      end(`no answer in ${limitMs / 1000} s`);
    }, limitMs);
    signal.addEventListener("abort", stop);
    socket.on("data", (chunk: Buffer) => {
      ms ??= performance.now() - begun;
      text += chunk.toString();
    });
    socket.on("end", () => {
      end();
    });
    socket.on("error", (error) => {
      end(messageOf(error));
    });
  });
}

function overUdp({ address, port }: Peer, limitMs: number, signal: AbortSignal) {
  return new Promise<Exchange>((resolve) => {
    const begun = performance.now();
    const socket = createSocket(address.includes(":") ? "udp6" : "udp4");
    const end = (text: string, error?: string) => {
      clearTimeout(timer);
      signal.removeEventListener("abort", stop);
      socket.close();
      resolve({ text, ms: text === "" ? undefined : performance.now() - begun, error });
    };
    const stop = () => {
      end("", "interrupted");
    };
    const timer = setTimeout(() => {
      end("", `no answer in ${limitMs / 1000} s`);
    }, limitMs);
    signal.addEventListener("abort", stop);
    socket.on("message", (message) => {
      end(message.toString());
    });
    socket.on("error", (error) => {
      end("", messageOf(error));
    });
    socket.connect(port, address, () => {
      socket.send("\n");
    });
  });
}
