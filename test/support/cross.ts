import { randomBytes } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import { docker, kdock } from "./kdock.js";

/** What is tried on a guest of an architecture that is not this machine's: everything that differs by architecture. */
export class CrossGuest {
  readonly folder: string;
  readonly arch: string;
  /** Of the project's VM and its network, as the engine knows them. */
  readonly names: { readonly vmContainer: string; readonly network: string };
  /** In the environment of every command: flags would have to be given to each of them. */
  readonly env: Record<string, string>;

  constructor(
    folder: string,
    arch: string,
    names: { readonly vmContainer: string; readonly network: string },
    env: Record<string, string> = {},
  ) {
    this.folder = folder;
    this.arch = arch;
    this.names = names;
    this.env = env;
  }

  async ok(...args: string[]): Promise<string> {
    const { exitCode, stdout, stderr } = await this.run(...args);
    expect(exitCode, `kdock ${args.join(" ")}\n${stderr}${stdout}`).toBe(0);
    return stdout;
  }

  run(...args: string[]) {
    return kdock(args, { cwd: this.folder, env: this.env });
  }

  /** A shell in the guest; resolves with what it said. */
  sh(script: string): Promise<string> {
    return this.ok("exec", "--", "sh", "-c", script);
  }

  /** One stop, by the debugger in its container; resolves with what `kdock trap` says for people. */
  async trap(place: string, exec: string, ...flags: string[]): Promise<string> {
    return await this.ok("trap", place, "--exec", exec, "--timeout", "60", ...flags);
  }

  /** Both ways: a peer on the VM's network is pinged, and calls a published port, behind which the guest answers. */
  async reachesPeer(guestPort: number): Promise<void> {
    const peer = `kdock-test-cross-${process.pid}`;
    const image = (
      await docker("inspect", "-f", "{{.Config.Image}}", this.names.vmContainer)
    ).trim();
    await docker(
      ...["run", "-d", "--rm", "--name", peer, "--network", this.names.network],
      ...["--entrypoint", "sleep", image, "600"],
    );
    try {
      const form = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}";
      const address = (await docker("inspect", "-f", form, peer)).trim();
      expect(await this.sh(`ping -c 2 -W 5 ${address}`)).toContain(" 0% packet loss");
      // A name, through the resolver that the guest was given.
      expect(await this.sh(`ping -c 1 -W 5 ${peer}`)).toContain(`(${address})`);
      await this.sh(`echo from-${this.arch} | nc -l -p ${guestPort} > /dev/null 2>&1 &`);
      const vm = (await docker("inspect", "-f", form, this.names.vmContainer)).trim();
      const call = `socat -u -T 20 TCP:${vm}:${guestPort},retry=20,interval=0.5 -`;
      const said = await docker("exec", peer, "sh", "-c", call);
      expect(said.trim()).toBe(`from-${this.arch}`);
    } finally {
      await docker("rm", "-f", peer);
    }
  }

  /** A file there and back again, byte for byte. */
  async copies(): Promise<void> {
    const folder = await mkdtemp(join(tmpdir(), "kdock-cross-"));
    try {
      const bytes = randomBytes(300_000);
      await writeFile(join(folder, "there"), bytes);
      await this.ok("cp", join(folder, "there"), ":/tmp/file");
      await this.ok("cp", ":/tmp/file", join(folder, "back"));
      expect(bytes.equals(await readFile(join(folder, "back")))).toBe(true);
    } finally {
      await rm(folder, { recursive: true });
    }
  }
}
