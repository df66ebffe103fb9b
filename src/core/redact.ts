/** "scheme://user:password@": up to the last "@" before the host's path, which is how programs read it. */
const USER_INFO = /\b([a-z][a-z0-9+.-]*):\/\/([^\s/?#"'`<>\\]*)@/gi;
const QUERY =
  /([?&](?:access_token|private_token|api_key|auth|key|password|secret|sig|signature|token)=)[^\s&#"'<>]+/gi;
/** Schemes where a user name without a password is an account, not a token. */
const ACCOUNT_SCHEMES = new Set(["ssh", "git+ssh", "ssh+git"]);

/** The text with passwords and tokens of URLs replaced by ***. */
export function redactUrls(text: string): string {
  // Fast path: called for every line of every log.
  if (!text.includes("://")) return text;
  return text
    .replace(USER_INFO, (whole, scheme: string, user: string) =>
      isAccount(scheme, user) ? whole : `${scheme}://***@`,
    )
    .replace(QUERY, "$1***");
}

/** Whether a URL has a password or token in it. */
export function holdsPassword(url: string): boolean {
  return redactUrls(url) !== url;
}

/** The error for such a URL. */
export function passwordProblem(url: string): string {
  return `${redactUrls(url)} has a password or token in it, which plans, logs and \`docker inspect\` would show: give the address without it`;
}

function isAccount(scheme: string, user: string): boolean {
  return ACCOUNT_SCHEMES.has(scheme.toLowerCase()) && !user.includes(":");
}
