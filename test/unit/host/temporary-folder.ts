import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach } from "vitest";

/** A folder for each test; the function returns a path in it. */
export function useTemporaryFolder(): (...parts: string[]) => string {
  let folder = "";
  beforeEach(async () => {
    folder = await realpath(await mkdtemp(join(tmpdir(), "kdock-host-")));
  });
  // kdock may still write an index of a tree in the background.
  afterEach(() => rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 }));
  return (...parts) => join(folder, ...parts);
}
