import { PassThrough } from "node:stream";
import { setImmediate as turn } from "node:timers/promises";
import type { Container, ContainerInfo, Engine, NetworkOptions } from "../../src/engine/engine.js";
import { KdockError } from "../../src/core/errors.js";
import type { ContainerSpec, Labels } from "../../src/core/plan/container-spec.js";

export interface FakeNetwork {
  readonly labels: Labels;
  readonly mtu: number | undefined;
  readonly isolated?: boolean;
}

/** An engine as far as starting VMs goes: it counts its calls, and refuses what it is told to. */
export class FakeEngine {
  readonly calls: string[] = [];
  readonly networks = new Map<string, FakeNetwork>();
  /** Names of networks that containers are connected to. */
  readonly busyNetworks = new Set<string>();
  /** Of containers that are between their creation and their start's end. */
  most = 0;
  /** Calls wait for it. */
  before: (call: string) => Promise<void> = () => Promise.resolve();
  /** Starts wait for it. */
  held: Promise<void> = Promise.resolve();
  #busy = 0;
  readonly #containers = new Map<string, { spec: ContainerSpec; running: boolean }>();
  readonly #refuses: (spec: ContainerSpec) => string | undefined;

  constructor(refuses: (spec: ContainerSpec) => string | undefined = () => undefined) {
    this.#refuses = refuses;
  }

  /** For the steps: whatever else they call is a failure of the test. */
  get engine(): Engine {
    return this as unknown as Engine;
  }

  async #count(call: string): Promise<void> {
    this.calls.push(call);
    await this.before(call);
    // So that what is done side by side really meets.
    await turn();
  }

  /** Names of containers that run. */
  running(): string[] {
    return [...this.#containers.values()].flatMap(({ spec, running }) =>
      running ? [spec.name] : [],
    );
  }

  specs(): ContainerSpec[] {
    return [...this.#containers.values()].map(({ spec }) => spec);
  }

  async info() {
    await this.#count("info");
    return { endpoint: "tcp://elsewhere" };
  }

  async findImage() {
    await this.#count("findImage");
    return {};
  }

  async listVolumes() {
    await this.#count("listVolumes");
    return [];
  }

  async listNetworks(labels: Labels) {
    await this.#count("listNetworks");
    return [...this.networks].flatMap(([name, network]) =>
      has(network.labels, labels)
        ? [{ id: name, name, subnets: [], isolated: false, ...network }]
        : [],
    );
  }

  async ensureNetwork(name: string, labels: Labels, options: NetworkOptions = {}) {
    await this.#count("ensureNetwork");
    const { mtu, isolated = false } = options;
    if (!this.networks.has(name)) this.networks.set(name, { labels, mtu, isolated });
  }

  async removeNetwork(id: string) {
    await this.#count("removeNetwork");
    if (this.busyNetworks.has(id)) throw new KdockError("engine", `${id} has active endpoints`);
    this.networks.delete(id);
  }

  async connectNetwork(name: string) {
    await this.#count("connectNetwork");
    if (!this.networks.has(name)) throw new KdockError("engine", `no network ${name}`);
  }

  async listContainers(labels: Labels): Promise<Partial<ContainerInfo>[]> {
    await this.#count("listContainers");
    return [...this.#containers].flatMap(([id, { spec, running }]) =>
      has(spec.labels, labels)
        ? [{ id, name: spec.name, labels: spec.labels, running, status: "", ports: [] }]
        : [],
    );
  }

  async createContainer(spec: ContainerSpec): Promise<Container> {
    this.#busy += 1;
    this.most = Math.max(this.most, this.#busy);
    await this.#count("createContainer");
    if (spec.network !== undefined && !this.networks.has(spec.network)) {
      throw new KdockError("engine", `no network ${spec.network}`);
    }
    this.#containers.set(spec.name, { spec, running: false });
    return this.container(spec.name);
  }

  container(id: string): Container {
    const found = () => {
      const container = this.#containers.get(id);
      if (container === undefined) throw new KdockError("engine", `no container ${id}`);
      return container;
    };
    const remove = async () => {
      await this.#count("remove");
      this.#containers.delete(id);
    };
    const container: Partial<Container> = {
      id,
      attach: async () => {
        await this.#count("attach");
        return Object.assign(new PassThrough(), { stderr: new PassThrough() });
      },
      wait: () => new Promise<number>(() => undefined),
      putArchive: async (_path, archive) => {
        await this.#count("putArchive");
        archive.resume();
      },
      start: async () => {
        await this.#count("start");
        await this.held;
        this.#busy -= 1;
        const refusal = this.#refuses(found().spec);
        if (refusal !== undefined) throw new KdockError("engine", refusal);
        found().running = true;
      },
      exec: async () => {
        await this.#count("exec");
        const stderr = new PassThrough();
        stderr.end();
        return { stream: new PassThrough(), stderr, exitCode: () => Promise.resolve(0) };
      },
      inspect: async () => {
        await this.#count("inspect");
        const { running } = found();
        return {
          running,
          exitCode: 0,
          oomKilled: false,
          error: "",
          address: "",
          gateway: "",
          ports: [],
        };
      },
      remove,
      [Symbol.asyncDispose]: remove,
    };
    return container as Container;
  }
}

function has(labels: Labels, wanted: Labels): boolean {
  return Object.entries(wanted).every(([key, value]) => labels[key] === value);
}
