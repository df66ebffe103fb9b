import { randomBytes } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { DEFAULT_VM } from "../../src/core/plan/names.js";
import { kdock, median, plan, report } from "./common.js";

/** The guest at hand: against docker's own exec and cp into the VM's container, which are half of the way. */
export async function guest(): Promise<void> {
  await kdock("stop");
  await kdock("run", "-d", "--gdb", "0");
  const vm = plan.names.vmContainer(DEFAULT_VM);
  const bareExec = await median(() => execa("docker", ["exec", vm, "true"]));
  report(
    "kdock exec -- true",
    await median(() => kdock("exec", "--", "true")),
    "docker exec",
    bareExec,
  );
  const twenty = () => Promise.all(Array.from({ length: 20 }, () => kdock("exec", "--", "true")));
  report("20 at once", await median(twenty), "one docker exec", bareExec);

  const folder = await mkdtemp(join(tmpdir(), "kdock-bench-"));
  const here = join(folder, "file");
  await writeFile(here, randomBytes(COPY_BYTES));
  const inMs = await median(() => kdock("cp", here, ":/tmp/file"));
  const outMs = await median(() => kdock("cp", ":/tmp/file", join(folder, "back")));
  const bareIn = await median(() => execa("docker", ["cp", here, `${vm}:/tmp/file`]));
  report(`kdock cp, 10 MiB in, ${rate(inMs)}`, inMs, "docker cp", bareIn);
  report(`kdock cp, 10 MiB out, ${rate(outMs)}`, outMs, "docker cp", bareIn);
  await rm(folder, { recursive: true, force: true });
  await kdock("stop");
}

const COPY_BYTES = 10 << 20;

function rate(ms: number): string {
  return `${(COPY_BYTES / 1000 / ms).toFixed(1)} MB/s`;
}
