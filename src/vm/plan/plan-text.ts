import type { BuildPlan } from "../../build/plan/build-plan.js";
import type { HostPath } from "../../core/plan/container-spec.js";
import type { ImagePlan } from "../../build/plan/image-plan.js";
import { DEFAULT_VM, INSIDE } from "../../core/plan/names.js";
import type { Plan } from "../../build/plan/plan.js";
import type { VmPlan } from "./vm-plan.js";

/** `kdock plan --json`. */
export function planData(plan: Plan, vm: VmPlan): unknown {
  return {
    project: plan.names.id,
    kernel: stageData(plan.kernel),
    busybox: stageData(plan.busybox),
    rootfs: plan.rootfs,
    vm: { image: plan.vmImage, network: vm.network, qemu: vm.qemu, attempts: vm.attempts },
    set: plan.setKey,
  };
}

function stageData({ image, key, inputs, container, files, secrets }: BuildPlan): unknown {
  return { image, key, inputs, container, files: { ...files, ...secrets } };
}

/** `kdock plan`, for people: the commands they would type, stage by stage. */
export function planText(plan: Plan, vm: VmPlan): string[] {
  const [first] = vm.attempts;
  return [
    `project ${plan.names.id}`,
    "",
    ...buildText(plan.kernel),
    "",
    ...buildText(plan.busybox),
    "",
    `rootfs    key ${plan.rootfs.key}`,
    "  busybox's install tree + images/rootfs/tree + kdock-agent + overlay + rootfs.init → newc cpio",
    "",
    `vm        image ${plan.vmImage.tag}`,
    ...imageText(plan.vmImage),
    ...networkText(plan, vm),
    `  docker run ${first?.privilege === "privileged" ? "--privileged" : "(least privilege)"} -it ${vm.network === undefined ? "" : `--network ${vm.network} `}--name ${plan.names.vmContainer(DEFAULT_VM)} …`,
    ...(first?.container.hostPaths ?? []).map(hostPathText),
    ...Object.entries(first?.container.env ?? {}).map(
      ([name, value]) => `    ${name}=${value.replaceAll("\n", "\n      ")}`,
    ),
    `  ${first?.container.env["KDOCK_QEMU"] ?? ""} -accel (chosen at the start: kvm where it works, else tcg)`,
    ...argumentLines(vm.qemu),
  ];
}

/** What is there before the VM: without an engine nobody knows what its network may clash with. */
function networkText({ names, vmImage }: Plan, { network, isSubnetOpen, facts }: VmPlan): string[] {
  return [
    ...(network === undefined ? [] : [`  docker network create ${network}`]),
    ...(facts.net === "host"
      ? [
          `  docker run -d --network host --cap-add NET_ADMIN --device /dev/net/tun --restart on-failure -v ${names.hostVolume}:${INSIDE.host} --name ${names.hostNetContainer} ${vmImage.tag} serve`,
        ]
      : []),
    ...(isSubnetOpen
      ? [
          `  the guest's network is ${facts.subnet}, or another if that clashes with a route or a Docker network`,
        ]
      : []),
  ];
}

function hostPathText({ path, target, readOnly }: HostPath): string {
  const options = readOnly ? ",readonly" : "";
  return `    --mount type=bind,src=${path},dst=${target}${options}`;
}

function buildText(plan: BuildPlan): string[] {
  const { container } = plan;
  return [
    `${plan.stage.padEnd(9)} key ${plan.key}  ${plan.title}`,
    ...imageText(plan.image),
    `  docker run --cap-drop ALL ${container.mounts.map((m) => `-v ${m.volume}:${m.target}`).join(" ")} ${container.image} ${container.command.join(" ")}`,
    ...Object.entries(container.env).map(([name, value]) => `    ${name}=${value}`),
    ...Object.entries(plan.files).flatMap(([name, text]) => [
      `    /in/${name}:`,
      ...text
        .trimEnd()
        .split("\n")
        .slice(0, 40)
        .map((line) => `      ${line}`),
    ]),
    ...Object.entries(plan.secrets).map(
      ([name, secret]) => `    /in/${name}: ${secret.toString()}`,
    ),
  ];
}

function imageText(image: ImagePlan): string[] {
  const from = [image.base.registryRef, image.base.bootstrapTag].filter(Boolean).join(", else ");
  const args = Object.entries(image.args).map(([name, value]) => ` --build-arg ${name}=${value}`);
  return [
    `  FROM ${from}`,
    `  docker build -f ${image.dockerfile} -t ${image.tag}${args.join("")}`,
  ];
}

/** One option and its value to a line, as in a shell script. */
function argumentLines(args: readonly string[]): string[] {
  const lines: string[] = [];
  for (const arg of args) {
    const shown = /[\s"']/.test(arg) ? `'${arg}'` : arg;
    if (arg.startsWith("-") || lines.length === 0) lines.push(`    ${shown}`);
    else lines.push(`${lines.pop() ?? ""} ${shown}`);
  }
  return lines;
}
