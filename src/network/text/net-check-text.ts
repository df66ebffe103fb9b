import { doctorText, type Finding } from "../../ui/findings-text.js";

interface VmCheck {
  readonly vm: string;
  readonly findings: readonly Finding[];
}

/** A line per finding; with a heading per VM if there are several. */
export function netCheckText({ vms }: { readonly vms: readonly VmCheck[] }): string[] {
  return vms.flatMap(({ vm, findings }, index) => [
    ...(index > 0 ? [""] : []),
    ...(vms.length > 1 ? [`${vm}:`] : []),
    ...doctorText(findings),
  ]);
}
