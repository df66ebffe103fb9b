import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { expect, it } from "vitest";
import { docker, kdock, start } from "../support/kdock.js";
import { LAB, LAB_NAMES } from "../support/lab.js";

const run = (script: string) =>
  kdock(["run", "--gdb", "0", "--", "sh", "-c", script], { cwd: LAB });

it("boots the built kernel, prints the accelerator, and removes containers and networks", async () => {
  const release = await readFile(`${LAB}/.kdock/out/current/kernel/kernel.release`, "utf8");
  const { stdout, stderr, exitCode } = await kdock(["run", "--gdb", "0", "--", "uname", "-r"], {
    cwd: LAB,
  });
  expect({ stdout, exitCode }).toEqual({ stdout: release, exitCode: 0 });
  const hasKvm = /\b(vmx|svm)\b/.test(await readFile("/proc/cpuinfo", "utf8"));
  expect(stderr).toMatch(hasKvm ? /accelerator: kvm/ : /accelerator: tcg/);
  const label = `label=io.kdock.project=${LAB_NAMES.id}`;
  expect(await docker("ps", "-aq", "--filter", label)).toBe("");
  expect(await docker("network", "ls", "-q", "--filter", label)).toBe("");
});

it("separates stdout, stderr and exit code of the guest's command", async () => {
  const { stdout, stderr, exitCode } = await run("echo out; echo err >&2; exit 7");
  expect(stdout).toBe("out\n");
  expect(stderr).toContain("err\n");
  expect(stderr).not.toMatch(/^out$/m);
  expect(exitCode).toBe(7);
});

it("passes binary stdin and stdout through unchanged", async () => {
  const bytes = randomBytes(300_000);
  const running = start(["run", "--gdb", "0", "--", "cat"], {
    cwd: LAB,
    input: bytes,
    stream: true,
  });
  const chunks: Buffer[] = [];
  for await (const chunk of running.stdout) chunks.push(chunk as Buffer);
  expect((await running).exitCode).toBe(0);
  expect(Buffer.concat(chunks).equals(bytes)).toBe(true);
});

it("reports a kernel panic with the end of the console, and exits with 1", async () => {
  const { stderr, exitCode } = await run("echo c > /proc/sysrq-trigger; sleep 60");
  expect(exitCode).toBe(1);
  expect(stderr).toContain("the guest's kernel panicked");
  expect(stderr).toMatch(/Kernel panic - not syncing/);
});

it("ends with an environment error when KVM is required and does not work", async () => {
  const hasKvm = /\b(vmx|svm)\b/.test(await readFile("/proc/cpuinfo", "utf8"));
  const { exitCode, stderr } = await kdock(["run", "--require-kvm", "--gdb", "0", "--", "true"], {
    cwd: LAB,
  });
  if (hasKvm) expect(exitCode).toBe(0);
  else {
    expect(exitCode).toBe(3);
    expect(stderr).toMatch(/KVM is required, but/);
  }
});

it("exits with 128 + N when signal N killed the command", async () => {
  expect((await run("kill -9 $$")).exitCode).toBe(137);
});
