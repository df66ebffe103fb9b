import type { ConnectOptions } from "./connect-options.js";
import { startExec } from "./docker-exec.js";
import { engineCall } from "./engine-error.js";
import type { CanExec, Labels } from "./engine.js";
import { findEngine, type FoundEngine } from "./find-engine.js";
import { byLabel, hasLabels } from "./labels.js";

/** As much as somebody has to know who wants to run a command in a container that runs. */
export interface FoundContainer {
  readonly id: string;
  readonly name: string;
  readonly running: boolean;
  /** The engine's own words: "Up 3 minutes". */
  readonly status: string;
  readonly labels: Labels;
}

/**
 * The calls that a command in the guest costs, without dockerode and the schemas for the engine's answers: loading these
 * takes longer than the calls.
 */
export interface QuickEngine {
  /** Running or not, newest first. */
  findContainers(labels: Labels): Promise<FoundContainer[]>;
  container(id: string): CanExec;
}

/** See `findEngine`. */
export async function connectQuickly(options: ConnectOptions): Promise<QuickEngine> {
  const engine = await findEngine(options);
  return {
    findContainers: (labels) => findContainers(engine, labels),
    container: (id) => ({ exec: (command, how) => startExec(engine, id, { command, ...how }) }),
  };
}

interface ListedContainer {
  readonly Id: string;
  readonly Names: readonly string[];
  readonly State: string;
  readonly Status: string;
  readonly Labels: Labels | null;
}

async function findContainers({ client }: FoundEngine, labels: Labels): Promise<FoundContainer[]> {
  const query = { all: true, filters: byLabel(labels) };
  const found = await engineCall("list containers", () =>
    client.call({ method: "GET", path: "/containers/json", query }),
  );
  return (found as ListedContainer[])
    .map(({ Id, Names, State, Status, Labels }) => ({
      id: Id,
      name: Names[0]?.replace(/^\//, "") ?? "",
      running: State === "running",
      status: Status,
      labels: Labels ?? {},
    }))
    .filter(hasLabels(labels));
}
