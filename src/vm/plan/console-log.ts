/**
 * What a guest's console says about its kernel's end. Pure: lines in, lines out. Programs in the guest write there as well:
 * whether there was a panic at all, `panicOf` decides.
 */

/** The last one of a line: a program's words without an end of line may stand before the kernel's. */
const PANIC = /.*Kernel panic - not syncing(?:: (.*))?/;
/** How a report begins after which the kernel may panic without a backtrace of its own. */
const REPORT =
  /BUG: |Oops: |kernel BUG at|general protection fault|cut here|PANIC: |(?:divide|stack segment|invalid opcode).*: \d{4} \[#/;
const END_OF_REPORT = "---[ end trace";
const BACKTRACE = "Call Trace:";
/** images/vm's own words, for people. */
const OWN = "[kdock] ";
const END = "end Kernel panic - not syncing";

/** "sysrq triggered crash"; undefined for a console without a panic. */
export function panicReason(lines: readonly string[]): string | undefined {
  const line = lines.findLast((each) => PANIC.test(each) && !each.includes(END));
  return line === undefined ? undefined : (PANIC.exec(line)?.[1]?.trim() ?? "");
}

/** How the kernel's lines begin where it notes the time: "[   12.345678] ", "[   12.345678][    T1] ". */
const KERNEL_TIME = /^\[ *\d+\.\d+\](?:\[[ \w]+\])? /;
/** The kernel's own announcements of a reset that was asked for. */
const RESET = /\b(?:reboot|sysrq): /;

/** Whether the last thing on the console is the kernel's report of a panic, and no reset was asked for after it. */
export function reportIsLast(lines: readonly string[]): boolean {
  const panic = lines.findLastIndex((line) => PANIC.test(line) && !line.includes(END));
  if (panic < 0) return false;
  const hasTimes = KERNEL_TIME.test(lines[panic] ?? "");
  return lines
    .slice(panic)
    .every((line) => line === "" || (!RESET.test(line) && KERNEL_TIME.test(line) === hasTimes));
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
