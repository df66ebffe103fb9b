/** A project's folder with what kdock executes and remembers. Plans say what is in it, the host who may write there. */
export const STATE_FOLDER = ".kdock";
