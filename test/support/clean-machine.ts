import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { debianImage } from "./base-image.js";
import { docker } from "./kdock.js";

/** A container with Node.js, npm and the engine's socket, and nothing else but Debian's base system. */
export interface CleanMachine {
  /** A shell's command, as root in an empty folder of its own; never rejects. */
  readonly sh: (command: string) => Promise<{ exitCode: number | undefined; all: string }>;
  /** The folder. */
  readonly folder: string;
  close(): Promise<void>;
}

/**
 * With what npm needs to install `tarball` as /root/kdock.tgz: the registry of this machine may be out of a container's reach,
 * so npm asks it here, and has the answers in its cache there.
 */
export async function cleanMachine(nodeMajor: number, tarball: string): Promise<CleanMachine> {
  const here = await mkdtemp(join(tmpdir(), "kdock-machine-"));
  const { stdout: registry } = await execa("npm", ["config", "get", "registry"]);
  const quiet = ["--ignore-scripts", "--no-audit", "--no-fund"];
  const program = `node-linux-${process.arch}`;
  const modules = join(here, "node_modules");
  await execa("npm", [
    "install",
    "--no-save",
    ...quiet,
    "--prefix",
    here,
    ...[`${program}@${nodeMajor}`, "npm@10"],
  ]);
  const npm = [join(modules, "npm/bin/npm-cli.js"), "--cache", join(here, "cache")];
  const node = join(modules, program, "bin/node");
  await execa(node, [...npm, "install", "-g", ...quiet, "--prefix", join(here, "once"), tarball]);

  const socket = (process.env["DOCKER_HOST"] ?? "unix:///var/run/docker.sock").replace(
    "unix://",
    "",
  );
  const mount = ["-v", `${socket}:/var/run/docker.sock`, "-e", `npm_config_registry=${registry}`];
  const image = await debianImage();
  const id = await docker("run", "-d", ...mount, "-w", "/root", image, "sleep", "infinity");
  const folder = `/root/lab-${id.slice(0, 12)}`;
  const sh: CleanMachine["sh"] = async (command) => {
    const words = ["exec", "-w", folder, id, "sh", "-ec", command];
    const { exitCode, all } = await execa("docker", words, { all: true, reject: false });
    return { exitCode, all };
  };
  await docker("exec", id, "mkdir", "-p", folder, "/usr/local/lib/node_modules");
  for (const [from, to] of [
    [node, "/usr/local/bin/node"],
    [join(modules, "npm"), "/usr/local/lib/node_modules/npm"],
    [join(here, "cache"), "/root/.npm"],
    [tarball, "/root/kdock.tgz"],
  ] as const) {
    await docker("cp", from, `${id}:${to}`);
  }
  await sh("ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm; chown -R root: /root");
  await rm(here, { recursive: true });
  return {
    sh,
    folder,
    close: async () => {
      await docker("rm", "-f", id);
    },
  };
}
