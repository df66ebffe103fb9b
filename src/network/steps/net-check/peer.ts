import { randomBytes } from "node:crypto";
import type { Container, ContainerInfo } from "../../../engine/engine.js";
import { PLAIN } from "../../../core/plan/container-spec.js";
import { labels } from "../../../core/plan/names.js";
import type { Plan } from "../../../build/plan/plan.js";
import type { Context } from "../../../core/steps/context.js";

/** Where the other container answers everybody with the address that it sees. */
export const PEER_PORT = 8080;

/** It ends by itself, should nobody be left to remove it. */
const LIFE_SECONDS = 120;

/** The outside of a check: a container on the VM's network. Disposing of it removes it. */
export interface Peer extends AsyncDisposable {
  readonly name: string;
  readonly address: string;
}

/** Starts one from the VM's own image, which is there in any case. */
export async function startPeer(ctx: Context, plan: Plan, vm: ContainerInfo): Promise<Peer> {
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
      network: plan.names.network,
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
  const { address } = await container.inspect();
  const engine = await ctx.engine();
  const all = await engine.listContainers(labels("check", plan.names.id));
  const name = all.find(({ id }) => id === container.id)?.name ?? "";
  return { name, address, [Symbol.asyncDispose]: () => container[Symbol.asyncDispose]() };
}

/** What a check left that was killed. */
async function removeEnded(ctx: Context, plan: Plan): Promise<void> {
  const engine = await ctx.engine();
  const left = await engine.listContainers(labels("check", plan.names.id));
  for (const { id, running } of left) if (!running) await engine.container(id).remove();
}
