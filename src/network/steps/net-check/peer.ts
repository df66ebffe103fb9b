import { randomBytes } from "node:crypto";
import type { Container, ContainerInfo } from "../../../engine/engine.js";
import { PLAIN } from "../../../core/plan/container-spec.js";
import { labels } from "../../../core/plan/names.js";
import type { ContainerFacts } from "../../plan/net-check/facts.js";
import { gatewayOf } from "../../plan/net-check/scene.js";
import type { Plan } from "../../../build/plan/plan.js";
import type { Context } from "../../../core/steps/context.js";

/** The peer sends every TCP client the client's address. */
const PEER_PORT = 8080;

/** The container ends after that even if kdock was killed. */
const LIFE_SECONDS = 120;

/** A container that serves as the outside. Disposing of it removes the container. */
export interface Peer extends AsyncDisposable {
  readonly name: string;
  /** The TCP address and port for the guest. */
  readonly address: string;
  readonly port: number;
  /** False for the address of a published port, where the engine's host answers pings. */
  readonly isPinged: boolean;
}

/**
 * Starts a peer from the VM's image, which the engine has in any case. It is on the VM's network; in mode "host" on the
 * engine's default bridge, with a port published on the guests' bridge, since Docker 28 and later drop packets that the
 * host forwards to a container's address.
 */
export async function startPeer(
  ctx: Context,
  plan: Plan,
  vm: ContainerInfo,
  facts: ContainerFacts,
): Promise<Peer> {
  const isOnHost = facts.mode === "host";
  const port = {
    protocol: "tcp",
    containerPort: PEER_PORT,
    hostAddress: gatewayOf(facts),
  } as const;
  const engine = await ctx.engine();
  await removeEnded(ctx, plan);
  const container = await engine.createContainer(
    {
      ...PLAIN,
      name: plan.names.checkContainer(randomBytes(4).toString("hex")),
      image: vm.image,
      entrypoint: ["timeout", String(LIFE_SECONDS), "socat"],
      command: [`TCP-LISTEN:${PEER_PORT},fork,reuseaddr`, "SYSTEM:echo $SOCAT_PEERADDR"],
      env: {},
      labels: labels("check", plan.names.id),
      mounts: [],
      ports: isOnHost ? [{ ...port, hostPort: 0 }] : [],
      network: isOnHost ? undefined : plan.names.network,
      hostname: undefined,
      capDrop: ["ALL"],
    },
    ctx.signal,
  );
  try {
    return await started(ctx, plan, container);
  } catch (error) {
    await container[Symbol.asyncDispose]();
    throw error;
  }
}

async function started(ctx: Context, plan: Plan, container: Container): Promise<Peer> {
  await container.start();
  ctx.signal.throwIfAborted();
  const { address, ports } = await container.inspect();
  const engine = await ctx.engine();
  const all = await engine.listContainers(labels("check", plan.names.id));
  const name = all.find(({ id }) => id === container.id)?.name ?? "";
  const [published] = ports;
  const reached =
    published === undefined
      ? { address, port: PEER_PORT, isPinged: true }
      : { address: published.hostAddress, port: published.hostPort, isPinged: false };
  return { name, ...reached, [Symbol.asyncDispose]: () => container[Symbol.asyncDispose]() };
}

/** Removes ended peers of checks that were killed. */
async function removeEnded(ctx: Context, plan: Plan): Promise<void> {
  const engine = await ctx.engine();
  const left = await engine.listContainers(labels("check", plan.names.id));
  for (const { id, running } of left) if (!running) await engine.container(id).remove();
}
