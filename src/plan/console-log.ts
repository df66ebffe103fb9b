/** What a guest's console says about its kernel's end. Pure: lines in, lines out. */

const PANIC = /Kernel panic - not syncing(?:: (.*))?/;
/** How a report begins after which the kernel may panic without a backtrace of its own. */
const REPORT =
  /BUG: |Oops: |kernel BUG at|general protection fault|cut here|PANIC: |(?:divide|stack segment|invalid opcode).*: \d{4} \[#/;
const END_OF_REPORT = "---[ end trace";
const BACKTRACE = "Call Trace:";
/** images/vm's own words, for people. */
const OWN = "[kdock] ";
const END = "end Kernel panic - not syncing";

/** Whether there is a panic for the other functions to find. */
export function panicked(lines: readonly string[]): boolean {
  return panicReason(lines) !== undefined;
}

/** "sysrq triggered crash"; undefined for a console without a panic. */
export function panicReason(lines: readonly string[]): string | undefined {
  const line = lines.findLast((each) => PANIC.test(each) && !each.includes(END));
  return line === undefined ? undefined : (PANIC.exec(line)?.[1]?.trim() ?? "");
}

/**
 * The kernel's report of its panic: with the oops that led to it where the panic comes without a backtrace, as it does
 * then. Nothing for a console without a panic.
 */
export function panicReport(lines: readonly string[]): readonly string[] {
  const panic = lines.findLastIndex((line) => PANIC.test(line) && !line.includes(END));
  if (panic < 0) return [];
  const own = upToEnd(lines.slice(panic));
  if (own.some((line) => line.includes(BACKTRACE))) return own;
  const oops = startOfReport(lines.slice(0, panic));
  return oops === undefined ? own : [...lines.slice(oops, panic), ...own];
}

function upToEnd(all: readonly string[]): readonly string[] {
  const lines = all.filter((line) => !line.startsWith(OWN));
  const end = lines.findIndex((line) => line.includes(END));
  return end < 0 ? lines : lines.slice(0, end + 1);
}

/** Of the last report that there is. */
function startOfReport(lines: readonly string[]): number | undefined {
  const last = lines.findLastIndex((line) => REPORT.test(line));
  if (last < 0) return undefined;
  // A page fault is told in several lines before its "Oops:".
  const from = lines.slice(0, last).findLastIndex((line) => line.includes(END_OF_REPORT)) + 1;
  return from + lines.slice(from, last + 1).findIndex((line) => REPORT.test(line));
}

/** Where a kernel tells its release, the surest first: an oops, a hung task, the boot. */
const RELEASES = [
  /\bComm: .*(?:Not tainted|Tainted: [^0-9]*?)\s(\d+\.\S+)/,
  /\b(?:Not tainted|Tainted: [^0-9]*?)\s(\d+\.\S+) #\d/,
  /\bLinux version (\d+\.\S+) \(/,
];

/** The release that a log names: "6.12.117"; undefined where it names none. */
export function releaseIn(lines: readonly string[]): string | undefined {
  for (const pattern of RELEASES) {
    for (const line of lines) {
      const found = pattern.exec(line)?.[1];
      if (found !== undefined) return found;
    }
  }
  return undefined;
}
