import { randomBytes } from "node:crypto";
import type { Container, ContainerInfo } from "../../../engine/engine.js";
import { PLAIN } from "../../../core/plan/container-spec.js";
import { labels } from "../../../core/plan/names.js";
import type { ContainerFacts } from "../../plan/net-check/facts.js";
import { gatewayOf } from "../../plan/net-check/scene.js";
import type { Plan } from "../../../build/plan/plan.js";
import type { Context } from "../../../core/steps/context.js";

/** Where the other container answers everybody with the address that it sees. */
const PEER_PORT = 8080;

/** It ends by itself, should nobody be left to remove it. */
const LIFE_SECONDS = 120;

/** The outside of a check. Disposing of it removes its container. */
export interface Peer extends AsyncDisposable {
  readonly name: string;
  /** Where the guest calls it, by TCP. */
  readonly address: string;
  readonly port: number;
  /** False where the address is that of a published port: its pings are answered by the engine's host. */
  readonly isPinged: boolean;
}

/**
 * Starts one from the VM's own image, which is there in any case. It is on the VM's network; in mode "host" on the engine's
 * default bridge, with a port published on the guests' bridge: since version 28, Docker drops what the host forwards to the
 * address of a container.
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

/** What a check left that was killed. */
async function removeEnded(ctx: Context, plan: Plan): Promise<void> {
  const engine = await ctx.engine();
  const left = await engine.listContainers(labels("check", plan.names.id));
  for (const { id, running } of left) if (!running) await engine.container(id).remove();
}
