import { KdockError } from "../../core/errors.js";
import type { ModuleFile } from "../../build/plan/module-plan.js";

/**
 * Runs in the guest with FOLDER FILE:MODULE:DEPENDS...: unloads the modules that are loaded, last first, then loads all
 * with their dependencies among the kernel's modules. Prints the outcome, insmod's or rmmod's output, and the new kernel
 * log, a line each and the rest.
 */
export const LOAD_MODULES = `
folder=$1
shift
mark="kdock: loading modules ($$)"
echo "<6>$mark" >/dev/kmsg 2>/dev/null
kernel_log() { dmesg 2>/dev/null | grep -F -A 200 "$mark" | tail -n +2; }
end() { echo "$1"; echo "$2" | tr '\\n' ' '; echo; kernel_log; exit 0; }
loaded() { grep -q "^$1 " /proc/modules; }
back=
for each; do back="$each $back"; done
for each in $back; do
  name=\${each#*:} name=\${name%%:*}
  loaded "$name" || continue
  # busybox's rmmod always exits with 0.
  out=$(rmmod "$name" 2>&1)
  loaded "$name" && end "unload $name $(sed -n "s/^$name [0-9]* \\([^ ]* [^ ]*\\).*/\\1/p" /proc/modules)" "$out"
done
for each; do
  file=\${each%%:*} name=\${each#*:} name=\${name%%:*}
  for other in $(echo "\${each##*:}" | tr , ' '); do loaded "$other" || modprobe "$other" >/dev/null 2>&1; done
  out=$(insmod "$folder/$file" 2>&1) || end "load $name $?" "$out"
done
end loaded ""`;

/** The script's arguments for a folder's modules. */
export function loadArguments(modules: readonly ModuleFile[]): string[] {
  return modules.map(({ file, module, depends }) => `${file}:${module}:${depends.join(",")}`);
}

/** The kernel's log while the modules were loaded. Throws a `vm` error that explains why they were not. */
export function loadOutcome(lines: readonly string[], again: string): string[] {
  const [outcome = "", output = "", ...log] = lines;
  const kernelLog = log
    .map((line) => line.replace(/^\[ *\d+\.\d+\]\s?/, ""))
    .filter((line) => line !== "");
  if (outcome === "loaded") return kernelLog;
  const [action, module = "", ...facts] = outcome.split(" ");
  throw action === "unload"
    ? notUnloaded(module, facts, output.trim())
    : notLoaded({ module, output: output.trim(), kernelLog, again, exitCode: Number(facts[0]) });
}

function notUnloaded(
  module: string,
  [count = "0", users = "-"]: string[],
  output: string,
): KdockError {
  const dependents = users.split(",").filter((name) => name !== "" && name !== "-");
  if (dependents.length > 0) {
    return new KdockError("vm", `cannot unload ${module}: it is used by ${dependents.join(", ")}`, {
      hint: `Unload that first: kdock exec rmmod ${dependents.join(" ")}.`,
    });
  }
  if (Number(count) > 0) {
    return new KdockError("vm", `cannot unload ${module}: its use count is ${count}`, {
      hint: "Close the programs that have its device or files open, or restart the VM: `kdock stop && kdock run -d`.",
    });
  }
  if (users === "[permanent]" || /not permitted|not implemented/i.test(output)) {
    return new KdockError(
      "vm",
      `cannot unload ${module}: it has no module_exit function, or the kernel has no CONFIG_MODULE_UNLOAD`,
      {
        hint: "Restart the VM: `kdock stop && kdock run -d`.",
      },
    );
  }
  return new KdockError("vm", `cannot unload ${module}: ${output}`);
}

interface Failure {
  readonly module: string;
  /** insmod's. */
  readonly output: string;
  readonly exitCode: number;
  readonly kernelLog: readonly string[];
  /** The command that rebuilds and loads the module. */
  readonly again: string;
}

type ErrorFor = (failure: Failure, match: RegExpExecArray, all: string) => KdockError;

/** Causes by pattern in the kernel's log and insmod's output; the first match counts. */
const CAUSES: readonly (readonly [RegExp, ErrorFor])[] = [
  [
    /version magic '(.*?) *' should be '(.*?) *'/,
    ({ module, again }, [, built = "", runs = ""]) =>
      new KdockError(
        "vm",
        `${module} was built for another kernel: "${built}", but "${runs}" is running`,
        {
          hint: `Build it for the running kernel: ${again}`,
        },
      ),
  ],
  [
    /Unknown symbol (\S+) \(err -?\d+\)/,
    ({ module }, _match, all) => {
      const names = [
        ...new Set([...all.matchAll(/Unknown symbol (\S+) \(err/g)].map(([, name]) => name)),
      ];
      return new KdockError(
        "vm",
        `${module} needs ${names.join(", ")}, which neither the kernel nor a loaded module exports`,
        {
          hint: 'Load the module that exports it first; EXPORT_SYMBOL_GPL requires MODULE_LICENSE("GPL").',
        },
      );
    },
  ],
  [
    /disagrees about version of symbol (\S+)/,
    ({ module, again }, [, symbol = ""]) =>
      new KdockError(
        "vm",
        `${module} was built for another kernel: the type of ${symbol} differs`,
        {
          hint: `Build it for the running kernel: ${again}`,
        },
      ),
  ],
  [
    /Loading of .* is rejected|Key was rejected|Required key not available/i,
    ({ module }) =>
      new KdockError(
        "vm",
        `this kernel loads signed modules only, and does not trust the signature of ${module}`,
        {
          hint: "kdock signs with kernel.moduleKey: it has to be the key that the kernel was built with.",
        },
      ),
  ],
  [
    /\b(BUG: .*|Oops: .*|general protection fault.*)/,
    ({ module, kernelLog }, [, what = ""]) => {
      const at = kernelLog.find((line) => /^(?:RIP: \w+:|pc : |epc : )/.test(line));
      return new KdockError(
        "vm",
        `kernel oops while loading ${module}: ${what}${at === undefined ? "" : `; ${at}`}`,
        {
          hint: "`kdock logs | kdock decode -` shows it with source lines; `kdock stop && kdock run -d` restarts the VM.",
        },
      );
    },
  ],
];

function notLoaded(failure: Failure): KdockError {
  const { module, output, exitCode, kernelLog } = failure;
  const all = [...kernelLog, output].join("\n");
  for (const [pattern, errorFor] of CAUSES) {
    const match = pattern.exec(all);
    if (match !== null) return errorFor(failure, match, all);
  }
  if (/file exists/i.test(output)) {
    return new KdockError(
      "vm",
      `the kernel already has a module named ${module}, built in or loaded`,
      {
        hint: "Give the module another name.",
      },
    );
  }
  const why =
    output.replace(/^insmod: can't insert '[^']*': /, "") ||
    `insmod ended with exit code ${exitCode}`;
  const logEnd = kernelLog.slice(-5).map((line) => `\n  ${line}`);
  return new KdockError("vm", `${module} was not loaded: ${why}${logEnd.join("")}`, {
    hint: "Check the return value of its module_init function, unless the kernel's log above names another reason.",
  });
}
