import { rm } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { expect, it } from "vitest";
import { projectNames } from "../../src/core/plan/names.js";
import { docker, kdock } from "../support/kdock.js";
import { labSide } from "../support/lab.js";
import { startPodman } from "../support/podman.js";

/** A short test with the lab's kernel. `npm run test:podman` runs all VM tests on Podman. */
it("Podman builds an image, boots the kernel, stops it in gdb and runs a command, and nothing is left", async () => {
  await using podman = await startPodman();
  const bases = [
    "--filter",
    "reference=kdock/base:trixie*",
    "--format",
    "{{.Repository}}:{{.Tag}}",
  ];
  await podman.take((await docker("images", ...bases)).split("\n").filter(Boolean));

  const folder = await labSide("podman", "");
  const onPodman = async (...args: string[]) => {
    const { exitCode, stdout, stderr } = await kdock(args, { cwd: folder, env: podman.env });
    expect(exitCode, stdout + stderr).toBe(0);
    return stdout;
  };
  try {
    const started = await onPodman("run", "-d", "--paused", "--gdb", "0");
    const address = /^gdbserver on (\S+):/m.exec(started)?.[1] ?? started;
    const vmlinux = join(folder, ".kdock/out/current/kernel/vmlinux");
    const words = [`target remote ${address}`, "hbreak start_kernel", "continue", "detach"];
    const { stdout } = await execa("gdb", [
      ...["-nx", "-batch", "-iex", "set auto-load no", vmlinux],
      ...words.flatMap((word) => ["-ex", word]),
    ]);
    expect(stdout).toMatch(/^Breakpoint 1, start_kernel/m);
    expect(await onPodman("exec", "--", "sh", "-c", "echo from the guest")).toBe(
      "from the guest\n",
    );
    await onPodman("net", "check");

    // Podman 4.3 removes folders from an image that a RUN mounts on.
    const image = await podman.docker("ps", "--format", "{{.Image}}");
    const look = ["run", "--rm", "--entrypoint", "stat", image, "-c", "%a", "/tmp"];
    expect(await podman.docker(...look)).toBe("1777");

    await onPodman("stop");
    await onPodman("clean");
    const ofProject = ["-q", "--filter", `label=io.kdock.project=${projectNames(folder).id}`];
    expect(await podman.docker("ps", "-a", ...ofProject)).toBe("");
    expect(await podman.docker("network", "ls", ...ofProject)).toBe("");
  } finally {
    await rm(folder, { recursive: true });
  }
});
