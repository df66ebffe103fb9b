import type { Container } from "../engine/engine.js";
import { INSIDE, labels } from "../plan/names.js";
import type { Plan } from "../plan/plan.js";
import { guestName } from "../plan/seats.js";
import type { Context } from "./context.js";
import { KdockError } from "../errors.js";
import { factsOf } from "./choose-vm.js";
import { ensureLan } from "./networks.js";

/**
 * Lets the guests of a project meet, once there are several: plugs every VM's bridge into one network of the engine, and
 * tells each VM's dnsmasq the names of all. To be called when a VM has come or gone.
 */
export async function joinLan(ctx: Context, plan: Plan): Promise<void> {
  const engine = await ctx.engine();
  const vms = await engine.listContainers(labels("vm", plan.names.id));
  // Others have no bridge in their containers.
  const running = vms.filter((vm) => vm.running && factsOf(vm).net === "bridge");
  const lans = await engine.listNetworks(labels("lan", plan.names.id));
  // One VM that was never with others needs nothing.
  if (running.length < 2 && lans.length === 0) return;
  await ensureLan(engine, plan);
  const hosts = running
    .map(factsOf)
    .flatMap(({ address, address6, seat }) =>
      [address, ...(address6 === undefined ? [] : [address6])].map(
        (one) => `${one}=${guestName(seat)}`,
      ),
    );
  await Promise.all(
    running.map(async ({ id }) => {
      try {
        await engine.connectNetwork(plan.names.lan, id);
        await tell(engine.container(id), hosts, ctx.signal);
      } catch (error) {
        // One that ends at this very moment has no use for it; whoever started it hears of its end elsewhere.
        if ((await stillRuns(engine.container(id))) || ctx.signal.aborted) throw error;
      }
    }),
  );
}

async function tell(vm: Container, hosts: readonly string[], signal: AbortSignal): Promise<void> {
  const exec = await vm.exec(["sh", INSIDE.lanScript, ...hosts], { tty: false, signal });
  exec.stream.end();
  exec.stream.resume();
  let said = "";
  for await (const chunk of exec.stderr) said += String(chunk);
  const exitCode = await exec.exitCode();
  if (exitCode === 0) return;
  throw new KdockError("vm", `the VM could not be joined with others: ${said.trim()}`, {
    hint: "`kdock stop` ends it; kdock.yaml's vm.privilege says what its container may do.",
  });
}

async function stillRuns(vm: Container): Promise<boolean> {
  try {
    return (await vm.inspect()).running;
  } catch {
    return false;
  }
}
