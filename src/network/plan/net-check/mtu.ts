import { LINK } from "../../../core/plan/names.js";
import { fail, type Finding, ok, warn } from "../../../core/plan/finding.js";
import type { Ping } from "./ping.js";
import { notTried, type Scene } from "./scene.js";

/** Whether frames of the guest's MTU pass every link. `full`: a ping of that size. */
export function mtuFinding(scene: Scene, full: Ping | undefined): Finding {
  const { container, guest, names } = scene;
  const subject = "MTU";
  const set = (mtu: number) => `\`${names.exec} ip link set ${guest.card} mtu ${mtu}\``;
  if (container.mode === "bridge") {
    const links = [LINK.tap, LINK.shape, LINK.bridge, container.uplink].flatMap(
      (name) => container.links.get(name) ?? [],
    );
    const narrowest = links.reduce((least, link) => (link.mtu < least.mtu ? link : least), {
      name: guest.card,
      mtu: Infinity,
    });
    const wanted = container.links.get(container.uplink)?.mtu ?? narrowest.mtu;
    const inside = links.filter(({ name, mtu }) => name !== container.uplink && mtu < wanted);
    if (inside.length > 0) {
      const widen = inside.map(({ name }) => `ip link set ${name} mtu ${wanted}`);
      return fail(
        subject,
        `${inside.map(({ name, mtu }) => `${name} has MTU ${mtu}`).join(", ")}, the uplink ${wanted}: larger frames are lost or fragmented`,
        `\`docker exec ${names.container} sh -c '${widen.join("; ")}'\``,
      );
    }
    const wide = links.find(({ mtu }) => mtu > wanted);
    if (guest.mtu > narrowest.mtu) {
      return fail(
        subject,
        `the guest's ${guest.card} has MTU ${guest.mtu}, ${narrowest.name} ${narrowest.mtu}: larger frames are lost`,
        set(narrowest.mtu),
      );
    }
    if (wide !== undefined) {
      return warn(
        subject,
        `${wide.name} has MTU ${wide.mtu}, the uplink ${wanted}`,
        `\`docker exec ${names.container} ip link set ${wide.name} mtu ${wanted}\``,
      );
    }
    if (guest.mtu < narrowest.mtu) {
      return warn(
        subject,
        `the guest's ${guest.card} has MTU ${guest.mtu}, ${narrowest.mtu} is possible`,
        set(narrowest.mtu),
      );
    }
  }
  if (full === undefined) return notTried(subject, `frames of ${guest.mtu}`);
  if (full.received > 0) return ok(subject, `${guest.mtu} everywhere; frames of that size pass`);
  return fail(
    subject,
    `frames of ${guest.mtu} do not pass, smaller ones do`,
    `Try a smaller MTU: ${set(1400)}`,
  );
}
