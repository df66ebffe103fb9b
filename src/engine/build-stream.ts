import { z } from "zod";
import { KdockError } from "../core/errors.js";
import { decodeTrace, type BuildTrace } from "./buildkit-trace.js";
import { jsonLines } from "./json-lines.js";
import { LogLines } from "./log-lines.js";

/** How much of a failed step's output its error repeats. */
const TAIL_LINES = 20;

const BuildRecord = z.object({
  id: z.string().optional(),
  aux: z.union([z.string(), z.object({ ID: z.string().optional() })]).nullish(),
  stream: z.string().optional(),
  error: z.string().optional(),
});

/**
 * The image id at the end of a build's records. The engine answers 200 before it builds, so that a failed build is a
 * record too: it rejects with a `build` error which has the failed step, the engine's reason and the end of the step's
 * log. Podman, which knows no BuildKit, sends its log as `stream` records.
 */
export async function readBuildStream(
  body: AsyncIterable<Uint8Array>,
  onLine: (line: string) => void,
): Promise<string> {
  const log = new BuildLog(onLine);
  let imageId: string | undefined;
  for await (const json of jsonLines(body)) {
    const record = BuildRecord.parse(json);
    if (record.error !== undefined) {
      log.flush();
      throw new KdockError("build", log.failure(record.error.trim()));
    }
    if (typeof record.aux === "string") log.add(decodeTrace(record.aux));
    else if (record.aux?.ID !== undefined) imageId = record.aux.ID;
    if (record.stream !== undefined) log.addText(record.stream);
  }
  log.flush();
  if (imageId === undefined) throw new KdockError("engine", "the build ended without an image");
  return imageId;
}

interface Step {
  announced: boolean;
  name: string;
  error: string;
  readonly lines: LogLines;
  readonly tail: string[];
}

/** The steps seen so far, in the order in which the engine named them. */
class BuildLog {
  readonly #steps = new Map<string, Step>();
  readonly #onLine: (line: string) => void;

  constructor(onLine: (line: string) => void) {
    this.#onLine = onLine;
  }

  add(trace: BuildTrace): void {
    for (const vertex of trace.vertexes) {
      const step = this.#step(vertex.digest);
      step.name = vertex.name;
      if (vertex.error !== "") step.error = vertex.error;
      if (vertex.started && !step.announced) {
        step.announced = true;
        this.#onLine(vertex.cached ? `CACHED ${vertex.name}` : vertex.name);
      }
      if (vertex.completed) step.lines.flush();
    }
    for (const { vertex, message } of trace.logs) this.#step(vertex).lines.add(message);
  }

  addText(text: string): void {
    this.#step("").lines.add(Buffer.from(text));
  }

  flush(): void {
    for (const step of this.#steps.values()) step.lines.flush();
  }

  failure(reason: string): string {
    // Steps that were cancelled because another failed carry an error as well: prefer the one the engine speaks of.
    const failed = [...this.#steps.values()].filter((step) => step.error !== "");
    const step = failed.find(({ error }) => reason.includes(error)) ?? failed[0];
    const tail = (step ?? this.#steps.get(""))?.tail ?? [];
    const head = step === undefined ? reason : `${step.name}: ${reason}`;
    return [head, ...tail.map((line) => `  ${line}`)].join("\n");
  }

  #step(digest: string): Step {
    const known = this.#steps.get(digest);
    if (known !== undefined) return known;
    const tail: string[] = [];
    const lines = new LogLines((line) => {
      tail.push(line);
      if (tail.length > TAIL_LINES) tail.shift();
      this.#onLine(line);
    });
    const step: Step = { announced: false, name: "", error: "", lines, tail };
    this.#steps.set(digest, step);
    return step;
  }
}
