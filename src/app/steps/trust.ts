import { createHash } from "node:crypto";
import type { OutsideRequest } from "../../config/outside.js";
import { isOwn, type Person, stateProblem } from "../../config/ownership.js";
import { KdockError } from "../../core/errors.js";
import type { HostFiles } from "../../host/host.js";
import { hostPath } from "../../core/plan/host-path.js";
import { FOLDER } from "../../core/plan/names.js";
import { patchPaths } from "../../build/steps/read-patches.js";
import type { RepositoryAt } from "../../core/local-repository.js";

type Files = Pick<
  HostFiles,
  "exists" | "isFolder" | "list" | "readBytes" | "readText" | "realPath" | "status" | "writeAtomic"
>;

/**
 * Refuses a state folder that is not the person's own: what is in it is executed, and written to without a look. Nothing
 * directly in it may be a link, whatever its name; links further below are refused where kdock makes folders.
 */
export async function checkState(files: Files, project: string, person: Person): Promise<void> {
  const state = `${project}/${FOLDER.state}`;
  await refuse(files, state, person);
  if (!(await files.isFolder(state))) return;
  for (const name of await files.list(state)) {
    const path = `${state}/${name}`;
    if ((await files.status(path))?.kind !== "file") await refuse(files, path, person);
  }
}

async function refuse(files: Files, path: string, person: Person): Promise<void> {
  const problem = stateProblem(path, await files.status(path), person);
  if (problem === undefined) return;
  throw new KdockError("config", problem.message, { hint: problem.hint });
}

export interface TrustQuestion {
  /** Absolute, by its real name. */
  readonly project: string;
  /** Absolute: kdock.yaml, or what was named instead. */
  readonly config: string;
  readonly person: Person;
  readonly requests: readonly OutsideRequest[];
  readonly repositoryAt: RepositoryAt;
  /** Where answers are kept: outside of every project. */
  readonly store: string;
  /** By a flag, which is remembered, or by a variable, which holds for one command. */
  readonly given: "flag" | "variable" | undefined;
  /** Shows a text and resolves with what is typed; undefined without a terminal. */
  readonly ask: ((text: string) => Promise<string>) | undefined;
}

/**
 * Resolves when everything in kdock.yaml that reaches out of the project's folder is allowed by the person, now or before.
 * Rejects with a `config` error otherwise.
 */
export async function requireTrust(files: Files, question: TrustQuestion): Promise<void> {
  const { project, store, given, ask } = question;
  if (given === "variable") return;
  const wanted = await reaching(files, question);
  if (wanted.length === 0) return;
  const known = await readStore(files, store, question.person);
  const allowed = new Set(known[project]);
  const open = wanted.filter(({ digest }) => !allowed.has(digest));
  if (open.length === 0) return;
  const text = `${project} asks for more than its own folder:\n${table(open)}`;
  if (given === undefined) {
    if (ask === undefined) throw notAllowed(text);
    const answer = await ask(`${text}\nAllow that from now on? [y/N] `);
    if (!/^y(?:es)?$/i.test(answer.trim())) throw notAllowed(`not allowed: ${text}`);
  }
  for (const { digest } of open) allowed.add(digest);
  const projects = { ...known, [project]: [...allowed].sort() };
  await files.writeAtomic(
    store,
    `${JSON.stringify({ version: VERSION, projects }, undefined, 2)}\n`,
    0o600,
  );
}

const VERSION = 1;

function notAllowed(text: string): KdockError {
  return new KdockError("config", text, {
    hint: "If you know these files and want that, run the command once with --trust; where nothing can be remembered (CI), set KDOCK_TRUST=1.",
  });
}

interface Reaching extends OutsideRequest {
  /** Of the project's words and of where they lead. */
  readonly digest: string;
}

async function reaching(files: Files, question: TrustQuestion): Promise<Reaching[]> {
  const { project, requests } = question;
  const found: Reaching[] = [];
  for (const request of [...(await foreignFiles(files, question)), ...requests]) {
    const { path } = request;
    const real = path === undefined ? undefined : await realPath(files, hostPath(project, path));
    if (real === undefined || !isWithin(real, project)) found.push(reachingTo(request, real));
    else if (request.writes === true && isRunHere(real, question)) {
      const effect = `${request.effect}, and with it what programs run here (${FOLDER.state}, .git, kdock.yaml)`;
      found.push(reachingTo({ ...request, effect }, real));
    }
    if (path === undefined || real === undefined) continue;
    for (const [place, effect] of await placesBehind(files, question, { ...request, path })) {
      // Who allows a folder allows what is in it.
      if (isWithin(place, project) || isWithin(place, real)) continue;
      found.push(reachingTo({ ...request, effect }, place));
    }
  }
  return found;
}

/**
 * Whether who writes to a path of the project makes this machine run something: git's hooks and settings, gdb's scripts,
 * the project's own words for kdock.
 */
function isRunHere(real: string, { project, config }: TrustQuestion): boolean {
  if (real.split("/").includes(".git")) return true;
  const places = [`${project}/${FOLDER.state}`, `${project}/.git`, config];
  return places.some((place) => isWithin(place, real) || isWithin(real, place));
}

function reachingTo(request: OutsideRequest, real: string | undefined): Reaching {
  const { key, value } = request;
  const digest = createHash("sha256")
    .update(JSON.stringify([key, value, real ?? null]))
    .digest("hex");
  return { ...request, digest };
}

type Place = readonly [real: string, effect: string];

/** Where the files of a request lead to, and what is done there. */
async function placesBehind(
  files: Files,
  { project, repositoryAt }: TrustQuestion,
  { path, leadsTo }: OutsideRequest & { readonly path: string },
): Promise<Place[]> {
  switch (leadsTo) {
    case undefined:
      return [];
    case "repository": {
      const repository = await repositoryAt(hostPath(project, path));
      if (repository === undefined) return [];
      const { folder, alternates } = repository;
      return [
        [folder, `builds read ${folder}, where its .git leads`],
        ...alternates.map((each): Place => [each, `builds read ${each}, an alternate of it`]),
      ];
    }
    case "patches": {
      const paths = await patchPaths({ folder: project, host: { files } }, path);
      return Promise.all(
        paths.map(async (each): Promise<Place> => {
          const real = await realPath(files, hostPath(project, each));
          return [real, `builds read ${real}, a patch of it`];
        }),
      );
    }
  }
}

/** What others own they may change at any time, also while kdock works with it. */
async function foreignFiles(
  files: Files,
  { project, config, person }: TrustQuestion,
): Promise<OutsideRequest[]> {
  if (person.uid === undefined) return [];
  const found: OutsideRequest[] = [];
  for (const value of [project, config, `${project}/${FOLDER.lockfile}`]) {
    const status = await files.status(value);
    if (status === undefined || isOwn(status.uid, person)) continue;
    const effect = `belongs to another user (uid ${status.uid}), who may change it at any time`;
    found.push({ key: status.kind === "directory" ? "folder" : "file", value, effect });
  }
  return found;
}

/** Of what is not there yet: of the nearest folder that is. */
async function realPath(files: Files, path: string): Promise<string> {
  const parts = path.split("/");
  for (let there = parts.length; there > 1; there -= 1) {
    const upper = parts.slice(0, there).join("/");
    if (!(await files.exists(upper))) continue;
    return withoutDots([await files.realPath(upper), ...parts.slice(there)].join("/"));
  }
  return withoutDots(path);
}

function withoutDots(path: string): string {
  const kept: string[] = [];
  for (const part of path.split("/")) {
    if (part === "..") kept.pop();
    else if (part !== "" && part !== ".") kept.push(part);
  }
  return `/${kept.join("/")}`;
}

function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}/`);
}

function table(requests: readonly OutsideRequest[]): string {
  return requests
    .map(({ key, value, effect }) => `  ${key}: ${oneLine(value)}\n    ${oneLine(effect)}`)
    .join("\n");
}

function oneLine(text: string): string {
  return text.replaceAll("\n", "\\n");
}

type Store = Readonly<Record<string, readonly string[]>>;

/** What others could have written, or another kdock, is no answer of the person's. */
async function readStore(files: Files, path: string, person: Person): Promise<Store> {
  const status = await files.status(path);
  const isOurs =
    status?.kind === "file" &&
    (person.uid === undefined || isOwn(status.uid, person)) &&
    (status.mode & 0o022) === 0;
  if (!isOurs) return {};
  try {
    const read = JSON.parse((await files.readText(path)) ?? "") as Partial<{
      version: number;
      projects: Store;
    }>;
    return read.version === VERSION ? (read.projects ?? {}) : {};
  } catch {
    return {};
  }
}
