/** "scheme://user:password@": up to the last "@" before the host's path, which is how programs read it. */
const USER_INFO = /\b([a-z][a-z0-9+.-]*):\/\/([^\s/?#"'`<>\\]*)@/gi;
const QUERY =
  /([?&](?:access_token|private_token|api_key|auth|key|password|secret|sig|signature|token)=)[^\s&#"'<>]+/gi;
/** Where a name without a password is an account, and no token. */
const ACCOUNTS = new Set(["ssh", "git+ssh", "ssh+git"]);

/** The text with the passwords and tokens of its addresses taken out. */
export function redactUrls(text: string): string {
  // Every line of every log comes past here.
  if (!text.includes("://")) return text;
  return text
    .replace(USER_INFO, (whole, scheme: string, user: string) =>
      isAccount(scheme, user) ? whole : `${scheme}://***@`,
    )
    .replace(QUERY, "$1***");
}

/** Whether an address has a password or token in it. */
export function holdsPassword(url: string): boolean {
  return redactUrls(url) !== url;
}

/** Why such an address is refused. */
export function passwordProblem(url: string): string {
  return `${redactUrls(url)} has a password or token in it, which plans, logs and \`docker inspect\` would show: give the address without it`;
}

function isAccount(scheme: string, user: string): boolean {
  return ACCOUNTS.has(scheme.toLowerCase()) && !user.includes(":");
}
