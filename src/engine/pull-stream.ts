import { z } from "zod";
import { KdockError } from "../core/errors.js";
import { jsonLines } from "./json-lines.js";

const PullRecord = z.object({
  id: z.string().optional(),
  status: z.string().optional(),
  progressDetail: z
    .object({ current: z.number().optional(), total: z.number().optional() })
    .nullish(),
  error: z.string().optional(),
});

export interface PullListener {
  readonly onLine?: ((line: string) => void) | undefined;
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

/**
 * Reads a pull or a load to its end and returns the last status. A failure is a
 * record in a 200 answer; it rejects with an `engine` error.
 */
export async function readPullStream(
  body: AsyncIterable<Uint8Array>,
  listener: PullListener,
): Promise<string> {
  const layers = new Map<string, { done: number; total: number }>();
  let last = "";
  for await (const json of jsonLines(body)) {
    const { id, status, progressDetail, error } = PullRecord.parse(json);
    if (error !== undefined) throw new KdockError("engine", error.trim());
    if (status === undefined) continue;
    if (progressDetail?.total === undefined) {
      listener.onLine?.(id === undefined ? status : `${id}: ${status}`);
      last = status;
    } else if (id !== undefined && status === "Downloading") {
      layers.set(id, { done: progressDetail.current ?? 0, total: progressDetail.total });
      listener.onProgress?.(sum(layers, "done"), sum(layers, "total"));
    }
  }
  return last;
}

function sum(layers: ReadonlyMap<string, { done: number; total: number }>, key: "done" | "total") {
  return [...layers.values()].reduce((total, layer) => total + layer[key], 0);
}
