import { Command, Option } from "commander";
import type { Kdock } from "../../app/kdock.js";
import type { CaptureRequest } from "../steps/capture.js";
import { countOf, list } from "../../app/flags.js";
import { type VmFlag, vmOf, vmOption } from "../../app/vm-flag.js";

interface CaptureFlags extends VmFlag {
  readonly write?: string;
  readonly force?: boolean;
  readonly side: CaptureRequest["side"];
  readonly count?: string;
  readonly tcpdumpArg?: string[];
}

const EXAMPLES = `
Examples:
  kdock capture icmp                               what the guest sends and gets, live
  kdock capture --side both 'tcp port 80'          both sides of the address translation
  kdock capture --vm server -w server.pcap         of the VM server, to a file
  kdock capture -w - | wireshark -k -i -`;

export function define(kdock: Kdock): Command {
  return new Command("capture")
    .description("tcpdump on the guest's network, live or to a pcap file; Ctrl-C ends it")
    .usage("[options] [filter...]")
    .argument("[words...]", "a filter of pcap-filter(7)")
    .addOption(vmOption())
    .option("-w, --write <file>", "write packets to a pcap file; - is stdout")
    .option("-f, --force", "replace an existing file")
    .addOption(
      new Option("--side <side>", "the guest's tap, the container's uplink, or both")
        .choices(["guest", "uplink", "both"])
        .default("guest"),
    )
    .option("--count <n>", "end after this many packets")
    .option("--tcpdump-arg <argument>", "one more argument for tcpdump; may be repeated", list)
    .addHelpText("after", EXAMPLES)
    .action(async (words: string[], flags: CaptureFlags) => {
      const { write, force = false, side, count, tcpdumpArg: more = [] } = flags;
      const packets = count === undefined ? undefined : countOf("--count", count);
      const vm = vmOf(flags);
      const project = await kdock.open();
      const { capture } = await import("../steps/capture.js");
      const to = write === undefined || write === "-" ? write : kdock.resolve(write);
      await capture(project, { vm, words, to, force, side, count: packets, more });
    });
}
