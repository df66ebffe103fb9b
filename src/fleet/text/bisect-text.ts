interface Found {
  readonly first:
    | {
        readonly hash: string;
        readonly subject: string;
        readonly author: string;
        readonly date: string;
      }
    | undefined;
  readonly maybe: readonly { readonly hash: string; readonly subject: string }[];
  readonly key: string | undefined;
  readonly logFile: string;
}

/** The result in git's wording. */
export function bisectText({ first, maybe, key, logFile }: Found): readonly string[] {
  const log = `the log, for \`git bisect replay\`: ${logFile}`;
  if (first === undefined) {
    return [
      "There are only skipped commits left to test. The first bad commit could be any of:",
      ...maybe.map(({ hash, subject }) => `${hash}  ${subject}`),
      log,
    ];
  }
  return [
    `${first.hash} is the first bad commit`,
    `Author: ${first.author}`,
    `Date:   ${first.date}`,
    "",
    `    ${first.subject}`,
    "",
    ...(key === undefined ? [] : [`boot it: kdock run --kernel ${key}`]),
    log,
  ];
}
