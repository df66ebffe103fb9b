import { KdockError } from "../../core/errors.js";
import type { ModuleFile } from "../../build/plan/module-plan.js";

/**
 * FOLDER FILE:MODULE:DEPENDS... — in the guest: takes those modules out that are loaded, last first, then loads all, and
 * what they need of the kernel's own. Prints what became of it, then what the kernel said meanwhile.
 */
export const LOAD_MODULES = `
folder=$1
shift
mark="kdock: loading modules ($$)"
echo "<6>$mark" >/dev/kmsg 2>/dev/null
said() { dmesg 2>/dev/null | grep -F -A 200 "$mark" | tail -n +2; }
end() { echo "$1"; echo "$2" | tr '\\n' ' '; echo; said; exit 0; }
loaded() { grep -q "^$1 " /proc/modules; }
back=
for each; do back="$each $back"; done
for each in $back; do
  name=\${each#*:} name=\${name%%:*}
  loaded "$name" || continue
  # busybox's exit code is 0 in any case.
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

/** What the kernel said while the modules were loaded. Throws a `vm` error, in words, when they were not. */
export function loadOutcome(lines: readonly string[], again: string): string[] {
  const [outcome = "", complaint = "", ...log] = lines;
  const said = log
    .map((line) => line.replace(/^\[ *\d+\.\d+\]\s?/, ""))
    .filter((line) => line !== "");
  if (outcome === "loaded") return said;
  const [what, module = "", ...facts] = outcome.split(" ");
  throw what === "unload"
    ? notUnloaded(module, facts, complaint.trim())
    : notLoaded({ module, complaint: complaint.trim(), said, again, exitCode: Number(facts[0]) });
}

function notUnloaded(
  module: string,
  [count = "0", users = "-"]: string[],
  complaint: string,
): KdockError {
  const holders = users.split(",").filter((name) => name !== "" && name !== "-");
  if (holders.length > 0) {
    return new KdockError("vm", `${module} is loaded, and ${holders.join(", ")} needs it`, {
      hint: `Take that out first: kdock exec rmmod ${holders.join(" ")}.`,
    });
  }
  if (Number(count) > 0) {
    return new KdockError("vm", `${module} is loaded, and in use ${count} times`, {
      hint: "Whoever has its device or files open has to close them; `kdock stop && kdock run -d` starts anew.",
    });
  }
  if (users === "[permanent]" || /not permitted|not implemented/i.test(complaint)) {
    return new KdockError(
      "vm",
      `${module} is loaded, and cannot be taken out: it has no module_exit function, or the kernel no CONFIG_MODULE_UNLOAD`,
      {
        hint: "Start the VM anew: `kdock stop && kdock run -d`.",
      },
    );
  }
  return new KdockError("vm", `${module} is loaded, and could not be taken out: ${complaint}`);
}

interface Failure {
  readonly module: string;
  /** insmod's. */
  readonly complaint: string;
  readonly exitCode: number;
  readonly said: readonly string[];
  /** The command that would build and load it. */
  readonly again: string;
}

type Words = (failure: Failure, match: RegExpExecArray, all: string) => KdockError;

/** Of what the kernel says, the cause; the first that fits. */
const CAUSES: readonly (readonly [RegExp, Words])[] = [
  [
    /version magic '(.*?) *' should be '(.*?) *'/,
    ({ module, again }, [, built = "", runs = ""]) =>
      new KdockError(
        "vm",
        `${module} was built for another kernel: for "${built}", and "${runs}" runs`,
        {
          hint: `Build it for the one that runs: ${again}`,
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
        `${module} needs ${names.join(", ")}, which neither the kernel nor a loaded module gives it`,
        {
          hint: 'Load the module that has it first; what is EXPORT_SYMBOL_GPL is for modules with MODULE_LICENSE("GPL").',
        },
      );
    },
  ],
  [
    /disagrees about version of symbol (\S+)/,
    ({ module, again }, [, symbol = ""]) =>
      new KdockError(
        "vm",
        `${module} was built for another kernel: ${symbol} has another type there`,
        {
          hint: `Build it for the one that runs: ${again}`,
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
          hint: "kdock signs with kernel.moduleKey: it has to be the one that the kernel was built with.",
        },
      ),
  ],
  [
    /\b(BUG: .*|Oops: .*|general protection fault.*)/,
    ({ module, said }, [, what = ""]) => {
      const at = said.find((line) => /^(?:RIP: \w+:|pc : |epc : )/.test(line));
      return new KdockError(
        "vm",
        `the kernel stumbled while ${module} was loaded: ${what}${at === undefined ? "" : `; ${at}`}`,
        {
          hint: "`kdock logs | kdock decode -` puts source lines to it; `kdock stop && kdock run -d` starts anew.",
        },
      );
    },
  ],
];

function notLoaded(failure: Failure): KdockError {
  const { module, complaint, exitCode, said } = failure;
  const all = [...said, complaint].join("\n");
  for (const [pattern, words] of CAUSES) {
    const match = pattern.exec(all);
    if (match !== null) return words(failure, match, all);
  }
  if (/file exists/i.test(complaint)) {
    return new KdockError(
      "vm",
      `${module} is a part of this kernel already, built in or loaded under that name`,
      {
        hint: "Give the module another name.",
      },
    );
  }
  const why =
    complaint.replace(/^insmod: can't insert '[^']*': /, "") ||
    `insmod ended with exit code ${exitCode}`;
  const told = said.slice(-5).map((line) => `\n  ${line}`);
  return new KdockError("vm", `${module} was not loaded: ${why}${told.join("")}`, {
    hint: "That is what its module_init function returned, unless the kernel's words above say otherwise.",
  });
}
