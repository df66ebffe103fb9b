import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ROOT, run } from "./kdock.js";

/** A Podman of the test's own beside the usual engine, on the same network. */
export interface Podman extends AsyncDisposable {
  /** For kdock. */
  readonly env: { readonly DOCKER_HOST: string };
  docker(...args: readonly string[]): Promise<string>;
  /** Brings images over from the usual engine. */
  take(images: readonly string[]): Promise<void>;
}

const LIMIT_MS = 60_000;

export async function startPodman(): Promise<Podman> {
  const parent = await mkdtemp(join(tmpdir(), "kdock-podman-"));
  const folder = join(parent, "podman");
  const words = [join(ROOT, "scripts/podman.sh"), folder];
  const asRoot = process.getuid?.() === 0 ? words : ["sudo", "-n", ...words];
  const [program = "", ...args] = asRoot;
  const service = spawn(program, args, { stdio: ["ignore", "ignore", "pipe"] });
  let said = "";
  service.stderr.on("data", (chunk) => {
    said += String(chunk);
  });
  const ended = once(service, "exit");
  const host = `unix://${folder}/sock`;
  for (const limit = Date.now() + LIMIT_MS; ;) {
    if (service.exitCode !== null) throw new Error(`Podman ended: ${said}`);
    const answers = await run("docker", "-H", host, "version").then(
      () => true,
      () => false,
    );
    if (answers) break;
    if (Date.now() > limit) throw new Error(`Podman does not answer: ${said}`);
    // The API announces itself by no event: its socket is there before it answers.
    await sleep(100);
  }
  return {
    env: { DOCKER_HOST: host },
    docker: (...args) => run("docker", "-H", host, ...args),
    async take(images) {
      const names = images.map((image) => `'${image}'`).join(" ");
      const there = `docker save ${names} | docker -H '${host}' load`;
      await run("bash", "-o", "pipefail", "-c", there);
    },
    [Symbol.asyncDispose]: async () => {
      service.kill("SIGTERM");
      await ended;
      const left = await run("pgrep", "-a", "-f", folder).catch(() => "");
      if (left !== "") throw new Error(`Podman left processes: ${left}`);
      await rm(parent, { recursive: true });
    },
  };
}
