import { LINK } from "../../../core/plan/names.js";
import { fail, type Finding, ok, warn } from "../../../core/plan/finding.js";
import type { Ping } from "./ping.js";
import { notTried, type Scene } from "./scene.js";

/** Whether frames as large as the guest makes them fit everywhere. */
export function mtuFinding(scene: Scene, full: Ping | undefined): Finding {
  const { container, guest, names } = scene;
  const subject = "MTU";
  const set = (mtu: number) => `\`${names.exec} ip link set ${guest.card} mtu ${mtu}\``;
  if (container.mode === "bridge") {
    const fit = [LINK.tap, LINK.shape, LINK.bridge, container.uplink].flatMap(
      (name) => container.links.get(name) ?? [],
    );
    const narrowest = fit.reduce((least, link) => (link.mtu < least.mtu ? link : least), {
      name: guest.card,
      mtu: Infinity,
    });
    const wanted = container.links.get(container.uplink)?.mtu ?? narrowest.mtu;
    const inside = fit.filter(({ name, mtu }) => name !== container.uplink && mtu < wanted);
    if (inside.length > 0) {
      const widen = inside.map(({ name }) => `ip link set ${name} mtu ${wanted}`);
      return fail(
        subject,
        `${inside.map(({ name, mtu }) => `${name} takes frames of ${mtu}`).join(", ")}, the way out those of ${wanted}: larger ones are lost, or have to be made smaller`,
        `\`docker exec ${names.container} sh -c '${widen.join("; ")}'\``,
      );
    }
    const wide = fit.find(({ mtu }) => mtu > wanted);
    if (guest.mtu > narrowest.mtu) {
      return fail(
        subject,
        `the guest's ${guest.card} sends frames of ${guest.mtu}, and ${narrowest.name} takes ${narrowest.mtu}: larger ones are lost`,
        set(narrowest.mtu),
      );
    }
    if (wide !== undefined) {
      return warn(
        subject,
        `${wide.name} takes frames of ${wide.mtu}, the way out ${wanted}`,
        `\`docker exec ${names.container} ip link set ${wide.name} mtu ${wanted}\``,
      );
    }
    if (guest.mtu < narrowest.mtu) {
      return warn(
        subject,
        `the guest's ${guest.card} has ${guest.mtu}, where ${narrowest.mtu} would pass`,
        set(narrowest.mtu),
      );
    }
  }
  if (full === undefined) return notTried(subject, `frames of ${guest.mtu}`);
  if (full.received > 0) return ok(subject, `${guest.mtu} everywhere; frames of that size pass`);
  return fail(
    subject,
    `frames of ${guest.mtu} do not pass, smaller ones do`,
    `Something on the way takes less: try ${set(1400)}`,
  );
}
