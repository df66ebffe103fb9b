import { spawn } from "node:child_process";
import { mkdtemp, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { run } from "./kdock.js";

/** What the way out of the engine's host takes, which its dockerd was told (--mtu). */
export const MTU = 1400;

/** An engine in a network namespace of its own, whose changes to "the host" are seen there and disturb nobody. */
export interface PrivateEngine {
  /** For kdock. */
  readonly env: { readonly DOCKER_HOST: string };
  docker(...args: readonly string[]): Promise<string>;
  /** A program's output, run as root where this engine's host is. */
  onHost(...argv: readonly string[]): Promise<string>;
  /** The same on the machine that is its host's way out, 10.213.77.1; the host is 10.213.77.2 there. */
  outside(...argv: readonly string[]): Promise<string>;
  /** Brings an image over from the usual engine. */
  take(image: string): Promise<void>;
  /** Ends dockerd as a system does, and starts it anew. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

const SUDO = process.getuid?.() === 0 ? [] : ["sudo", "-n"];

/**
 * The host: loopback and a way out, which leads to one more machine and no further. A system's containerd is hidden, so
 * that dockerd starts one of its own. It ends with its first process, and its mounts and interfaces with it.
 */
const HOST = `
if [ -d /run/containerd ]; then mount -t tmpfs none /run/containerd; fi
ip link set lo up
unshare --net sh -c 'echo $$ > "$1/outside"; exec sleep infinity' sh "$1" &
until [ -s "$1/outside" ]; do sleep 0.1; done
outside="$(cat "$1/outside")"
ip link add eth0 type veth peer name eth0 netns "$outside"
nsenter -t "$outside" --net sh -c 'ip link set lo up; ip addr add 10.213.77.1/24 dev eth0; ip link set eth0 mtu ${MTU} up'
ip addr add 10.213.77.2/24 dev eth0
ip link set eth0 mtu ${MTU} up
ip route add default via 10.213.77.1
echo $$ > "$1/host"
exec sleep infinity`;

export async function startPrivateEngine(): Promise<PrivateEngine> {
  const folder = await mkdtemp(join(tmpdir(), "kdock-engine-"));
  const at = (name: string) => join(folder, name);
  const asRoot = (...argv: readonly string[]) => {
    const [program = "", ...args] = [...SUDO, ...argv];
    return run(program, ...args);
  };
  const background = (...argv: readonly string[]) => {
    const [program = "", ...args] = [...SUDO, ...argv];
    spawn(program, args, { detached: true, stdio: "ignore" }).unref();
  };

  background(..."unshare --net --mount --propagation private sh -c".split(" "), HOST, "sh", folder);
  const pidIn = async (name: string) => {
    const pid = (await readFile(at(name), "utf8")).trim();
    if (pid === "") throw new Error(`${name} is empty`);
    return pid;
  };
  await until("a network namespace", () => pidIn("host"));
  const host = await pidIn("host");
  const inside = ["nsenter", "-t", host, "--net", "--mount"];
  const outside = await pidIn("outside");
  const env = { DOCKER_HOST: `unix://${at("sock")}` };
  const docker = (...args: readonly string[]) => run("docker", "-H", env.DOCKER_HOST, ...args);
  const end = async (pid: string, signal: string) => {
    await asRoot("kill", signal, pid);
    await until(`the end of ${pid}`, async () => {
      const state = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => ") Z");
      if (!state.includes(") Z")) throw new Error(state);
    });
  };
  const start = async () => {
    const places = [
      "--mtu",
      String(MTU),
      "--data-root",
      at("data"),
      "--exec-root",
      at("exec"),
      "--pidfile",
      at("pid"),
    ];
    const words = ["dockerd", ...places, "-H", env.DOCKER_HOST].map((word) => `'${word}'`);
    background(...inside, "sh", "-c", `exec ${words.join(" ")} >>'${at("log")}' 2>&1`);
    await until("an engine", () => docker("version")).catch(async (error: unknown) => {
      throw new Error(await readFile(at("log"), "utf8").catch(() => "no log"), { cause: error });
    });
  };
  await start();
  return {
    env,
    docker,
    onHost: (...argv) => asRoot(...inside, ...argv),
    outside: (...argv) => asRoot("nsenter", "-t", outside, "--net", ...argv),
    async take(image) {
      const there = `docker save '${image}' | docker -H '${env.DOCKER_HOST}' load`;
      await run("bash", "-o", "pipefail", "-c", there);
    },
    async restart() {
      await end(await pidIn("pid"), "-TERM");
      await start();
    },
    async close() {
      await end(await pidIn("pid"), "-TERM");
      await end(outside, "-KILL");
      await end(host, "-KILL");
      await asRoot("rm", "-rf", folder);
    },
  };
}

const LIMIT_MS = 30_000;

async function until(what: string, attempt: () => Promise<unknown>): Promise<void> {
  for (const limit = Date.now() + LIMIT_MS; ;) {
    try {
      await attempt();
      return;
    } catch (cause) {
      if (Date.now() > limit) throw new Error(`no ${what} in ${LIMIT_MS} ms`, { cause });
    }
    await sleep(100);
  }
}
