import { randomUUID } from "node:crypto";
import { homedir } from "node:os";
import type { Readable } from "node:stream";
import tar from "tar-stream";
import { connectEngine } from "../../src/engine/connect.js";
import type { Container, ContainerSpec, Engine, Labels } from "../../src/engine/engine.js";
import { baseImage } from "./base-image.js";

/** A real engine and everything a test makes in it, removed by label on dispose. */
export interface Lab extends AsyncDisposable {
  readonly engine: Engine;
  readonly labels: Labels;
  /** A name that nothing else on the engine has. */
  readonly name: (what: string) => string;
  readonly base: string;
  readonly leaks: string[];
  readonly signal: AbortSignal;
  create(change: Partial<ContainerSpec>): Promise<Container>;
}

export async function openLab(env: NodeJS.ProcessEnv = process.env): Promise<Lab> {
  const run = randomUUID().slice(0, 8);
  const labels = { "io.kdock.test": run };
  const leaks: string[] = [];
  const onLeak = (what: string) => leaks.push(what);
  const engine = await connectEngine({ env, home: homedir(), onLeak });
  const base = await baseImage(engine);
  const name = (what: string) => `kdock-test-${run}-${what}`;
  const { signal } = new AbortController();
  let made = 0;
  return {
    ...{ engine, labels, name, base, leaks, signal },
    create: (change) =>
      engine.createContainer(
        { ...plain, image: base, name: name(`c${made++}`), labels, ...change },
        signal,
      ),
    [Symbol.asyncDispose]: async () => {
      for (const { id } of await engine.listContainers(labels)) await engine.container(id).remove();
      for (const { id } of await engine.listImages(labels)) await engine.removeImage(id);
      for (const volume of await engine.listVolumes(labels)) await engine.removeVolume(volume.name);
      for (const net of await engine.listNetworks(labels)) await engine.removeNetwork(net.name);
    },
  };
}

const plain: ContainerSpec = {
  name: "",
  image: "",
  command: ["sleep", "600"],
  env: {},
  labels: {},
  mounts: [],
  ports: [],
  network: "none",
  hostname: undefined,
  privileged: false,
  capDrop: [],
  capAdd: [],
  devices: [],
  sysctls: {},
  securityOpt: [],
  tty: false,
  openStdin: false,
  stopSignal: undefined,
};

/** An archive of these files. */
export function packed(files: Readonly<Record<string, string | Buffer>>): Readable {
  const pack = tar.pack();
  for (const [name, body] of Object.entries(files)) pack.entry({ name }, body);
  pack.finalize();
  return pack as unknown as Readable;
}

export async function bytesOf(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

export async function textOf(stream: AsyncIterable<Uint8Array>): Promise<string> {
  return (await bytesOf(stream)).toString();
}
