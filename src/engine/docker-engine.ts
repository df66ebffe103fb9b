import type { Readable } from "node:stream";
import Docker from "dockerode";
import { KdockError } from "../core/errors.js";
import { readBuildStream } from "./build-stream.js";
import { containerOptions } from "./container-options.js";
import { DockerContainer, type OnLeak } from "./docker-container.js";
import { engineCall, isStatus } from "./engine-error.js";
import * as answers from "./engine-json.js";
import type {
  Container,
  ContainerInfo,
  ContainerSpec,
  Engine,
  EngineInfo,
  ImageBuild,
  ImageInfo,
  Labels,
  LoadOptions,
  NetworkInfo,
  NetworkOptions,
  StreamOptions,
  VolumeInfo,
} from "./engine.js";
import type { FoundEngine } from "./find-engine.js";
import { withTag } from "./image-text.js";
import { byLabel, hasLabels } from "./labels.js";
import { modemOver } from "./modem.js";
import { readPullStream } from "./pull-stream.js";

/**
 * Over dockerode where the answer is short, over the client where it is a stream or an archive is sent. dockerode changes
 * the options it is given: every call gets fresh ones. Its `buildImage` would open a gRPC session and close it only when the
 * body is read to its end, its `wait` says only that the container has ended, and its `logs` parses as JSON what a
 * container happens to print as JSON.
 */
export class DockerEngine implements Engine {
  readonly #docker: Docker;
  readonly #engine: FoundEngine;
  readonly #isPodman: boolean;
  readonly #onLeak: OnLeak;

  constructor(engine: FoundEngine, onLeak: OnLeak) {
    this.#docker = new Docker({ modem: modemOver(engine.client) } as object);
    this.#engine = engine;
    this.#isPodman = engine.kind === "podman";
    this.#onLeak = onLeak;
  }

  async info(): Promise<EngineInfo> {
    const { endpoint, kind } = this.#engine;
    return await engineCall(`talk to the engine at ${endpoint}`, async () =>
      answers.engineInfo(await this.#docker.info(), { endpoint, kind }),
    );
  }

  async findImage(ref: string): Promise<ImageInfo | undefined> {
    return await unlessMissing(() =>
      engineCall(`inspect the image ${ref}`, async () =>
        answers.imageInfo(await this.#docker.getImage(ref).inspect()),
      ),
    );
  }

  async pullImage(ref: string, options: StreamOptions): Promise<ImageInfo> {
    const { signal } = options;
    return await engineCall(
      `pull ${ref}`,
      async () => {
        const query = { fromImage: withTag(ref) };
        const { client } = this.#engine;
        const body = await client.open({ method: "POST", path: "/images/create", query, signal });
        await readPullStream(body, options);
        return await this.#image(ref);
      },
      signal,
    );
  }

  async loadImage(archive: Readable, options: LoadOptions): Promise<ImageInfo> {
    const { tag, onLine, onProgress, signal } = options;
    return await engineCall(
      `load ${tag}`,
      async () => {
        const body = await this.#engine.client.open({
          method: "POST",
          path: "/images/load",
          query: { quiet: true },
          body: archive,
          onProgress: (sent) => onProgress?.(sent, sent),
          signal,
        });
        await readPullStream(body, { onLine });
        return await this.#image(tag);
      },
      signal,
    );
  }

  async buildImage(build: ImageBuild, options: StreamOptions): Promise<ImageInfo> {
    const { signal } = options;
    return await engineCall(
      `build ${build.tag}`,
      async () => {
        // Podman 4.3 takes a step from its cache although the files have changed that the step mounts.
        const noCache = build.noCache || this.#isPodman;
        const body = await this.#engine.client.open({
          method: "POST",
          path: "/build",
          query: {
            version: "2",
            dockerfile: build.dockerfile,
            t: build.tag,
            buildargs: build.args,
            labels: build.labels,
            nocache: noCache,
            rm: true,
            forcerm: true,
          },
          body: build.context,
          signal,
        });
        const id = await readBuildStream(body, (line) => options.onLine?.(line));
        return await this.#image(id);
      },
      signal,
    );
  }

  async listImages(labels: Labels): Promise<ImageInfo[]> {
    const found = await engineCall("list images", async () =>
      answers.Ids.parse(await this.#docker.listImages({ filters: byLabel(labels) })),
    );
    // Summaries say nothing of layers. One that is gone by now is no error.
    const images = await Promise.all(found.map(({ Id }) => this.findImage(Id)));
    return images.filter((image) => image !== undefined).filter(hasLabels(labels));
  }

  async removeImage(id: string): Promise<void> {
    await unlessMissing(() =>
      engineCall(`remove the image ${id}`, () => this.#docker.getImage(id).remove({ force: true })),
    );
  }

  async ensureVolume(name: string, labels: Labels): Promise<void> {
    await engineCall(`create the volume ${name}`, () =>
      this.#docker.createVolume({ Name: name, Labels: { ...labels } }),
    );
  }

  async listVolumes(labels: Labels): Promise<VolumeInfo[]> {
    return await engineCall("list volumes", async () =>
      answers
        .volumeInfos(await this.#docker.listVolumes({ filters: byLabel(labels) }))
        .filter(hasLabels(labels)),
    );
  }

  async removeVolume(name: string): Promise<void> {
    await unlessMissing(() =>
      engineCall(`remove the volume ${name}`, () => this.#docker.getVolume(name).remove()),
    );
  }

  async ensureNetwork(
    name: string,
    labels: Labels,
    { prefix, mtu, isolated = false }: NetworkOptions = {},
  ): Promise<void> {
    // Podman has no such options. Its internal networks have no way out; those of Docker have rules of their own, which
    // would drop frames with guests' addresses where bridges ask iptables (br_netfilter).
    const special = {
      ...(prefix === undefined ? {} : { "com.docker.network.container_iface_prefix": prefix }),
      ...(isolated ? answers.ISOLATED : {}),
    };
    try {
      await engineCall(`create the network ${name}`, () =>
        this.#docker.createNetwork({
          ...{ Name: name, Driver: "bridge", CheckDuplicate: true, Labels: { ...labels } },
          Options: {
            ...(mtu === undefined ? {} : { [answers.MTU_OPTION]: String(mtu) }),
            ...(this.#isPodman ? {} : special),
          },
          ...(this.#isPodman && isolated ? { Internal: true } : {}),
        }),
      );
    } catch (error) {
      // Looking first and creating then would make two of them when two of us run at once. Podman 4.3 says 500.
      if (isStatus(error, 409) || (isStatus(error, 500) && (await this.#hasNetwork(name)))) return;
      throw error;
    }
  }

  async #hasNetwork(name: string): Promise<boolean> {
    const found = await unlessMissing(() =>
      engineCall(`inspect the network ${name}`, () => this.#docker.getNetwork(name).inspect()),
    );
    return found !== undefined;
  }

  async connectNetwork(name: string, container: string): Promise<string | undefined> {
    await this.#connect(name, container);
    return this.#isPodman ? (await this.#networksOf(container)).get(name) : undefined;
  }

  async #connect(name: string, container: string): Promise<void> {
    try {
      await engineCall(`connect to the network ${name}`, () =>
        this.#docker.getNetwork(name).connect({ Container: container }),
      );
    } catch (error) {
      // "endpoint with name … already exists in network". Podman 4.3 says 500.
      if (isStatus(error, 403)) return;
      if (isStatus(error, 500) && (await this.#networksOf(container)).has(name)) return;
      throw error;
    }
  }

  async #networksOf(container: string): Promise<ReadonlyMap<string, string | undefined>> {
    return await engineCall("inspect the container", async () =>
      answers.connectedNetworks(await this.#docker.getContainer(container).inspect()),
    );
  }

  async listNetworks(labels: Labels): Promise<NetworkInfo[]> {
    return await engineCall("list networks", async () =>
      answers
        .networkInfos(await this.#docker.listNetworks({ filters: byLabel(labels) }))
        .filter(hasLabels(labels)),
    );
  }

  async removeNetwork(name: string): Promise<void> {
    await unlessMissing(() =>
      engineCall(`remove the network ${name}`, () => this.#docker.getNetwork(name).remove()),
    );
  }

  async createContainer(spec: ContainerSpec, signal: AbortSignal): Promise<Container> {
    signal.throwIfAborted();
    const { id } = await engineCall(`create the container ${spec.name}`, () =>
      // `_query` and `_body`, or docker-modem would put all of it into the address as well. Not abortable on purpose:
      // cut off in the middle, the container might exist and nobody would know its id.
      this.#docker.createContainer({
        _query: { name: spec.name },
        _body: containerOptions(spec, this.#engine.kind),
      } as object),
    );
    const container = this.container(id);
    if (signal.aborted) await container[Symbol.asyncDispose]();
    signal.throwIfAborted();
    return container;
  }

  async listContainers(labels: Labels): Promise<ContainerInfo[]> {
    return await engineCall("list containers", async () =>
      answers
        .containerInfos(await this.#docker.listContainers({ all: true, filters: byLabel(labels) }))
        .filter(hasLabels(labels)),
    );
  }

  container(id: string): Container {
    return new DockerContainer(this.#engine, this.#docker.getContainer(id), this.#onLeak);
  }

  async #image(ref: string): Promise<ImageInfo> {
    const image = await this.findImage(ref);
    if (image === undefined) throw new KdockError("engine", `the engine lost the image ${ref}`);
    return image;
  }
}

async function unlessMissing<T>(call: () => Promise<T>): Promise<T | undefined> {
  try {
    return await call();
  } catch (error) {
    if (isStatus(error, 404)) return undefined;
    throw error;
  }
}
