import type { IncomingMessage } from "node:http";
import type Docker from "dockerode";
import { dial } from "./dial.js";

/** Podman says so in the head of every answer. */
export function isPodmans(answer: IncomingMessage): boolean {
  return answer.headers["libpod-api-version"] !== undefined;
}

export async function isPodman(docker: Docker, signal: AbortSignal): Promise<boolean> {
  const answer = await dial(docker, { method: "GET", path: "/_ping", query: {}, signal });
  answer.resume();
  return isPodmans(answer);
}
