import { createSocket } from "node:dgram";
import { connect } from "node:net";
import { messageOf } from "../core/errors.js";

/** Somebody to be called. */
export interface Callee {
  readonly protocol: "tcp" | "udp";
  readonly address: string;
  readonly port: number;
}

export interface Exchange {
  /** What was answered until the other end hung up, or the limit came; one datagram with UDP. */
  readonly text: string;
  /** Until the answer began; undefined without one. */
  readonly ms: number | undefined;
  /** Why there was no connection. */
  readonly error: string | undefined;
}

/** Calls somebody, says nothing (an empty line with UDP), and listens. Never rejects. */
export function exchange(callee: Callee, limitMs: number, signal: AbortSignal): Promise<Exchange> {
  if (signal.aborted) return Promise.resolve({ text: "", ms: undefined, error: "interrupted" });
  return callee.protocol === "tcp"
    ? overTcp(callee, limitMs, signal)
    : overUdp(callee, limitMs, signal);
}

function overTcp({ address, port }: Callee, limitMs: number, signal: AbortSignal) {
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

function overUdp({ address, port }: Callee, limitMs: number, signal: AbortSignal) {
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
