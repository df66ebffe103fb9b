import { INSIDE, LINK } from "../../../core/plan/names.js";
import type { NetMode } from "../../../config/config.js";
import { fail, type Finding, ok } from "../../../core/plan/finding.js";
import { vmWords } from "../../../core/vm-words.js";
import type { Ping } from "./ping.js";
import { disturbance, type Fault, guestFault, lossy, notTried, type Scene } from "./scene.js";

/** A ping to another guest of the project, by name. */
export interface NeighbourProbe {
  readonly name: string;
  /** The other VM's. */
  readonly mode: NetMode;
  readonly ping: Ping | undefined;
  /** The other VM's state, if it did not answer; `paused` explains why its guest does not run. */
  readonly other?: { readonly fault: Fault | undefined; readonly paused: string | undefined };
}

/** Whether guests in these two network modes are on one network. */
export function haveCommonNetwork(a: string, b: NetMode): boolean {
  return a === b && (b === "bridge" || b === "host");
}

export function neighbourFinding(
  scene: Scene,
  dns: Finding,
  { name, mode, ping, other }: NeighbourProbe,
): Finding {
  const { container, names } = scene;
  const subject = `VM ${name}`;
  const where = `guest → ${name}`;
  if (!haveCommonNetwork(container.mode, mode)) {
    return ok(
      subject,
      `no network between them: this VM's network mode is ${container.mode}, that of ${name} is ${mode}`,
    );
  }
  if (ping !== undefined && ping.received > 0) return lossy(subject, where, ping, scene);
  const joined = [...container.links.values()].some(
    ({ name, master }) => master === LINK.bridge && name !== LINK.tap && name !== LINK.shape,
  );
  if (!joined) {
    return fail(
      subject,
      `${where}: this VM's bridge is not connected to the project's shared network`,
      "Restart one of the VMs with `kdock stop` and `kdock up`: that connects all of them.",
    );
  }
  if (ping === undefined) return notTried(subject, where);
  if (ping.error?.includes("bad address") === true) {
    if (dns.verdict !== "ok") return notTried(subject, where);
    return fail(
      subject,
      `${where}: the guest cannot resolve the name`,
      `Names are in the container's ${INSIDE.hosts}: \`docker exec ${names.container} cat ${INSIDE.hosts}\`.`,
    );
  }
  if (other?.paused !== undefined) {
    return fail(subject, `${where}: ${other.paused}`, "Resume it, or check again later.");
  }
  const fault = other?.fault;
  if (fault !== undefined) return fail(subject, `${where}: on its side, ${fault.text}`, fault.mend);
  const own = guestFault(scene, ping, name) ?? disturbance(scene);
  if (own !== undefined) return fail(subject, `${where}: ${own.text}`, own.mend);
  return fail(
    subject,
    `${where}: no answer`,
    `\`kdock net check${vmWords(name)}\` checks from the other side.`,
  );
}
