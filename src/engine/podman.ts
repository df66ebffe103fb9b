import type { IncomingMessage } from "node:http";

export type EngineKind = "docker" | "podman";

/** Podman says so in the head of every answer, but for those that hand a connection over. */
export function kindOf(answer: IncomingMessage): EngineKind {
  return answer.headers["libpod-api-version"] === undefined ? "docker" : "podman";
}
