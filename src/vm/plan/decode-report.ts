import { z } from "zod";

const Report = z.object({
  /** So many different places the log names. */
  places: z.number().int(),
  /** For so many of them there are source lines. */
  found: z.number().int(),
  /** Names of the kernel's functions that are not as long in this kernel as the log says. */
  otherSizes: z.array(z.string()),
  /** Modules of which there is no .ko. */
  missingModules: z.array(z.string()),
});

export type DecodeReport = z.infer<typeof Report>;

/** The last line that images/gdb/kdock/decode.py writes. */
export function readDecodeReport(line: string): DecodeReport {
  return Report.parse(JSON.parse(line));
}

/** Why there are no source lines of a kernel with this .config. */
export function debugInfoProblem(
  config: string,
): { readonly message: string; readonly hint: string } | undefined {
  const has = (option: string) => new RegExp(`^${option}=y$`, "m").test(config);
  if (!has("CONFIG_DEBUG_INFO")) {
    return {
      message: "has no debug information, hence no source lines: CONFIG_DEBUG_INFO is off",
      hint: "Build one that has: preset debug, or `--set CONFIG_DEBUG_INFO_DWARF_TOOLCHAIN_DEFAULT=y` (before 5.18: CONFIG_DEBUG_INFO=y).",
    };
  }
  return has("CONFIG_DEBUG_INFO_SPLIT")
    ? {
        message:
          "left its debug information in .dwo files, which are no artifacts, hence no source lines: CONFIG_DEBUG_INFO_SPLIT is on",
        hint: "Build it with `--set CONFIG_DEBUG_INFO_SPLIT=n`: the code stays the same.",
      }
    : undefined;
}

/** What keeps the source lines from being all there, or right. */
export function decodeWarnings(report: DecodeReport, kernelKey: string): readonly string[] {
  const { places, found, otherSizes, missingModules } = report;
  const warnings: string[] = [];
  if (places === 0) {
    return [
      "the log names no place in the kernel's code, as in function+0x12/0x34: it is as it was",
    ];
  }
  if (missingModules.length > 0) {
    warnings.push(
      `there is no .ko of ${listed(missingModules)}, hence no source line: \`kdock module build FOLDER\` builds those that are not the kernel's`,
    );
  }
  if (otherSizes.length > 0) {
    warnings.push(
      `${listed(otherSizes)} ${otherSizes.length === 1 ? "has" : "have"} another size in this kernel (${kernelKey}): the log is of another build, and the source lines need not fit`,
    );
  }
  if (found === 0 && warnings.length === 0) {
    warnings.push(
      `${places === 1 ? "the one place" : `none of the ${places} places`} that the log names is ${places === 1 ? "not " : ""}in this kernel (${kernelKey})`,
    );
  }
  return warnings;
}

function listed(names: readonly string[]): string {
  const shown = names.slice(0, 4).join(", ");
  return names.length > 4 ? `${shown} and ${names.length - 4} more` : shown;
}
