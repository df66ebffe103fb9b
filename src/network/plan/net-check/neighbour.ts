import { INSIDE, LINK } from "../../../core/plan/names.js";
import { fail, type Finding } from "../../../core/plan/finding.js";
import { vmWords } from "../../../core/vm-words.js";
import type { Ping } from "./ping.js";
import { disturbance, type Fault, guestFault, lossy, notTried, type Scene } from "./scene.js";

/** Another guest of the project, by name. */
export interface NeighbourProbe {
  readonly name: string;
  readonly ping: Ping | undefined;
  /** The other VM's side, looked at when it does not answer. */
  readonly other?: { readonly fault: Fault | undefined; readonly standing: string | undefined };
}

export function neighbourFinding(
  scene: Scene,
  dns: Finding,
  { name, ping, other }: NeighbourProbe,
): Finding {
  const { container, names } = scene;
  const subject = `VM ${name}`;
  const where = `guest → ${name}`;
  if (ping !== undefined && ping.received > 0) return lossy(subject, where, ping, scene);
  const joined = [...container.links.values()].some(
    ({ name, master }) => master === LINK.bridge && name !== LINK.tap && name !== LINK.shape,
  );
  if (!joined) {
    return fail(
      subject,
      `${where}: this VM's bridge is not plugged into the project's common network`,
      "`kdock stop` and `kdock up` one of the VMs: that joins all again.",
    );
  }
  if (ping === undefined) return notTried(subject, where);
  if (ping.complaint?.includes("bad address") === true) {
    if (dns.verdict !== "ok") return notTried(subject, where);
    return fail(
      subject,
      `${where}: the guest knows nobody of that name`,
      `Names are in the container's ${INSIDE.hosts}: \`docker exec ${names.container} cat ${INSIDE.hosts}\`.`,
    );
  }
  if (other?.standing !== undefined) {
    return fail(subject, `${where}: ${other.standing}`, "Let it go on, or ask it later.");
  }
  const fault = other?.fault;
  if (fault !== undefined) return fail(subject, `${where}: at its end, ${fault.text}`, fault.mend);
  const own = guestFault(scene, ping, name) ?? disturbance(scene);
  if (own !== undefined) return fail(subject, `${where}: ${own.text}`, own.mend);
  return fail(
    subject,
    `${where}: no answer`,
    `\`kdock net check${vmWords(name)}\` looks from the other end.`,
  );
}
