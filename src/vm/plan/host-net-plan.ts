import { type ContainerSpec, PLAIN } from "../../core/plan/container-spec.js";
import { sha256 } from "../../core/plan/keys.js";
import { INSIDE, labels, type ProjectNames, TUN } from "../../core/plan/names.js";

/**
 * The container that has the host's part of the network in mode "host": it makes bridge, taps and rules in the host's
 * network namespace, answers DHCP and DNS there, and takes everything away when the last VM has ended; see
 * images/vm/host-net.pl. `image` is a VM's; `clean` only takes away what an earlier one has left.
 */
export function hostNetContainer(
  names: ProjectNames,
  image: string,
  task:
    | { readonly kind: "clean" }
    | {
        readonly kind: "serve";
        /** "10.0.3.1/24", the bridge's address. */ readonly gateway: string;
      },
): ContainerSpec {
  const env =
    task.kind === "clean"
      ? {}
      : {
          KDOCK_GATEWAY: task.gateway,
          KDOCK_BRIDGE_MAC: bridgeMac(names.id),
          KDOCK_GDB_PORT: String(INSIDE.gdbPort),
          KDOCK_UPLINK_FILE: INSIDE.uplink,
        };
  return {
    ...PLAIN,
    name: names.hostNetContainer,
    image,
    entrypoint: ["perl", INSIDE.hostNetScript],
    command: [task.kind, INSIDE.host],
    env,
    labels: labels("hostnet", names.id),
    mounts: [{ volume: names.hostVolume, target: INSIDE.host, readOnly: false }],
    network: "host",
    hostname: undefined,
    capDrop: ["ALL"],
    capAdd: ["NET_ADMIN", "NET_RAW", "NET_BIND_SERVICE", "SETUID", "SETGID", "SETPCAP"],
    // Taking away must work whatever the machine lacks by then.
    devices: task.kind === "serve" ? [TUN] : [],
    // Docker's AppArmor profile has /proc/sys read-only as well; ip_forward of the host is there.
    securityOpt: ["no-new-privileges", "apparmor=unconfined"],
    writableSysctls: true,
    // The engine starts it again when it was killed or the engine was: there is something to be taken away.
    restartOnFailure: task.kind === "serve",
  };
}

/** A bridge is known by it as this project's. 52:54:00 is QEMU's locally administered prefix. */
function bridgeMac(project: string): string {
  return `52:54:00:${(sha256(project).slice(0, 6).match(/../g) ?? []).join(":")}`;
}
