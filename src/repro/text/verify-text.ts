import type {
  Explanation,
  ManifestComparison,
  Verification,
  VerifiedStage,
} from "../plan/verification.js";
import { counted } from "../../core/plan/counted.js";
import { formatDuration } from "../../ui/duration.js";

/** The text of `kdock verify --manifest`. */
export function comparisonText(found: ManifestComparison): string[] {
  const { stage, equal, inputs, differing, files } = found;
  return [
    `${stage}: ${equal ? `all ${files} files are equal` : `${differing.length} of ${files} files differ`}`,
    ...differing.map((path) => `  ${path}`),
    ...(inputs.length === 0
      ? []
      : ["made from different inputs:", ...inputs.map((input) => `  ${input}`)]),
  ];
}

const PLACES_SHOWN = 6;

/** The text of `kdock verify`: what was varied, the results, and the causes of differences. */
export function verifyText({ equal, varied, stages }: Verification): string[] {
  return [
    `varied: ${varied.join(", ")}`,
    ...stages.flatMap(stageText),
    equal ? "reproducible: every file is the same, bit for bit" : "NOT reproducible",
  ];
}

function stageText({
  stage,
  key,
  files,
  differing,
  explanations,
  kept,
  ms,
}: VerifiedStage): string[] {
  const head = `${stage.padEnd(8)} ${key}  ${counted(files, "file")}`;
  if (differing.length === 0) return [`${head}, all equal  (${formatDuration(ms)})`];
  return [
    `${head}, ${differing.length} differ  (${formatDuration(ms)})`,
    ...differing.flatMap((file) => {
      const explanation = explanations.find((one) => one.file === file);
      return [`  ${file}`, ...(explanation === undefined ? [] : explanationText(explanation))];
    }),
    ...(kept === undefined ? [] : [`  the second build's files: ${kept}`]),
  ];
}

function explanationText({ where, cause, culprits, diffoscope }: Explanation): string[] {
  const more = where.length - PLACES_SHOWN;
  return [
    ...where
      .slice(0, PLACES_SHOWN)
      .map(({ kind, name, detail }) => `    ${kind} ${name}: ${detail}`),
    ...(more > 0 ? [`    and ${more} more places`] : []),
    ...(culprits.length === 0
      ? []
      : [`    comes from: ${culprits.slice(0, PLACES_SHOWN).join(", ")}`]),
    ...(cause === undefined || cause === null ? [] : [`    likely cause: ${cause}`]),
    ...(diffoscope === "" ? [] : diffoscope.split("\n").map((line) => `      ${line}`)),
  ];
}
