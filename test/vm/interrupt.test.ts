import { expect, it } from "vitest";
import { docker, said, start } from "../support/kdock.js";
import { LAB, LAB_NAMES } from "../support/lab.js";

it("Ctrl-C while a guest command runs is exit code 130, and the VM is gone", async () => {
  const running = start(["run", "--gdb", "0", "--", "sh", "-c", "echo started >&2; sleep 600"], {
    cwd: LAB,
  });
  await said(running.stderr, /started/);
  running.kill("SIGINT");
  const { exitCode } = await running;
  expect(exitCode).toBe(130);
  const lab = `label=io.kdock.project=${LAB_NAMES.id}`;
  expect(await docker("ps", "-aq", "--filter", lab)).toBe("");
});

it("Ctrl-C before the guest has booted leaves nothing either", async () => {
  const running = start(["run", "--gdb", "0", "--", "true"], { cwd: LAB });
  await said(running.stderr, /accelerator/);
  running.kill("SIGINT");
  expect((await running).exitCode).toBe(130);
  const lab = `label=io.kdock.project=${LAB_NAMES.id}`;
  expect(await docker("ps", "-aq", "--filter", lab)).toBe("");
});
