import { doctorText, type Finding } from "../../ui/findings-text.js";

interface VmCheck {
  readonly vm: string;
  readonly findings: readonly Finding[];
}

/** `kdock net check`, for people; with headings where there are several VMs. */
export function netCheckText({ vms }: { readonly vms: readonly VmCheck[] }): string[] {
  return vms.flatMap(({ vm, findings }, index) => [
    ...(index > 0 ? [""] : []),
    ...(vms.length > 1 ? [`${vm}:`] : []),
    ...doctorText(findings),
  ]);
}
