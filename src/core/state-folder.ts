/** A project's folder for artifacts and state. */
export const STATE_FOLDER = ".kdock";
