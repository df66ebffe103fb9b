import type { Readable } from "node:stream";
import type { FolderColumns } from "../core/folder-columns.js";
import type { Callee, Exchange } from "./exchange.js";

export type { Callee, Exchange } from "./exchange.js";

/** The machine the CLI runs on. `node-host.ts` is the one implementation. Paths are absolute. */
export interface Host {
  /** Milliseconds since 1970. */
  now(): number;
  /** As `uname -m` says it on Linux: "x86_64", "aarch64". */
  readonly machine: string;
  readonly files: HostFiles;
  /** undefined when there is no such program on PATH. */
  which(program: string): Promise<string | undefined>;
  /**
   * Runs a program whose stdout is wanted as bytes (mmdebstrap writes a tar there). The stream fails with an
   * `environment` error that quotes the end of stderr when the program does, and the program ends when it is destroyed.
   */
  stream(argv: readonly string[], options: RunOptions): Promise<Readable>;
  /** The whole stdout, trimmed; rejects with an `environment` error as `stream` does. */
  capture(argv: readonly string[], options: RunOptions): Promise<string>;
  /** Has a program run in a folder when this process is killed, before that is called off. */
  ifKilled(argv: readonly string[], folder: string): KillWatch;
  /**
   * What a module's `work` yields for a request, from a thread of its own; see ThreadModule. Aborting ends the thread.
   * Errors that are not kdock's are bugs, and end it as well.
   */
  inThread(module: URL, request: unknown, signal: AbortSignal): AsyncIterable<unknown>;
  /**
   * Listens on "socket" in a folder below `outer`, which is made for it and removed afterwards, to whoever gets to see that
   * folder. Undefined where there can be none: the name is too long, or the file system has no sockets.
   */
  receive(outer: string): Promise<Receiver | undefined>;
  /** Bytes free for us on the file system that holds the path; undefined where there is no such path. */
  freeBytes(path: string): Promise<number | undefined>;
  /** Whether a TCP listener could be opened there right now. */
  portIsFree(address: string, port: number): Promise<boolean>;
  /** "docker-proxy (pid 4711)" where the host tells, for the message that a port is taken. */
  portOwner(port: number): Promise<string | undefined>;
  /** Calls somebody, and listens for so long at most; never rejects. */
  exchange(callee: Callee, limitMs: number, signal: AbortSignal): Promise<Exchange>;
}

/** Disposing ends the connection, too. */
export interface Receiver extends AsyncDisposable {
  /** Absolute. */
  readonly folder: string;
  /** Resolves when somebody has connected, which may never be. */
  readonly called: Promise<void>;
  /** What the first one says who has connected, unread; undefined where nobody has. Whoever comes later is turned away. */
  caller(): Readable | undefined;
}

export interface KillWatch {
  callOff(): void;
}

export interface RunOptions {
  readonly signal: AbortSignal;
  readonly env?: Readonly<Record<string, string>>;
  readonly onStderr?: (line: string) => void;
}

export interface TreeEntry {
  /** Relative, with forward slashes. */
  readonly path: string;
  readonly kind: "file" | "directory" | "symlink";
  /** Permission bits. */
  readonly mode: number;
  /** The link's text; "" for others. */
  readonly target: string;
  readonly sizeBytes: number;
}

/** What a folder has under a name, as far as an archive can hold it. */
export interface FileNode {
  /** Relative, with forward slashes; see src/core/byte-path.ts. */
  readonly path: string;
  readonly kind:
    "file" | "directory" | "symlink" | "character-device" | "block-device" | "fifo" | "socket";
  /** Permission bits. */
  readonly mode: number;
  /** The link's text, see src/core/byte-path.ts; "" for others. */
  readonly target: string;
  readonly sizeBytes: number;
  /** Of a device. */
  readonly major: number;
  readonly minor: number;
  /** The same for all names of one file; undefined where it has only one. */
  readonly link: string | undefined;
  /** A file's bytes as they are read; fails with a `config` error that names the path. */
  readonly open: () => Readable;
}
export type OnLeftOut = (path: string, why: string) => void;

export interface FileStatus {
  readonly kind: "file" | "directory" | "symlink" | "other";
  /** Permission bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly sizeBytes: number;
  readonly modified: Date;
  /** The link's text; "" for others. */
  readonly target: string;
  /** The same for all names of one file; undefined where it has no other. */
  readonly inode: string | undefined;
}

export interface HostFiles {
  /** Of a link itself, not of what is behind it; undefined when there is nothing. */
  status(path: string): Promise<FileStatus | undefined>;
  /** A file's bytes as they are read; fails with a `config` error that names the path. */
  readStream(path: string): Readable;
  /** The same of a file that is open already; rejects with a `config` error when it cannot be opened. */
  openStream(path: string): Promise<Readable>;
  /** undefined when there is no such file; other failures reject with a `config` error that names the path. */
  readText(path: string): Promise<string | undefined>;
  /** Rejects with a `config` error for a file of more than `max` bytes, whatever size it is said to have. */
  readBytes(path: string, max?: number): Promise<Uint8Array>;
  /** So many bytes from a file's beginning, fewer where it has no more. */
  readHead(path: string, bytes: number): Promise<Uint8Array>;
  /** Whether we may write to what is there. */
  isWritable(path: string): Promise<boolean>;
  exists(path: string): Promise<boolean>;
  /** False for what is not there; links are followed. */
  isFolder(path: string): Promise<boolean>;
  /**
   * Every entry below a folder, in code-unit order of path. Rejects with a `config` error on sockets, devices, and what cannot
   * be read, unless somebody is to be told of them, by their relative path.
   */
  tree(path: string, onLeftOut?: OnLeftOut): Promise<TreeEntry[]>;
  /** Every entry below a folder, each folder before what is in it; rejects with a `config` error for what cannot be read. */
  nodes(path: string): Promise<FileNode[]>;
  /**
   * Every folder of a large tree, quickly, each before those in it, without what `skip` names, be it a file or a folder.
   * Sockets and devices are left out. `known` says what a folder was before: where nothing differs, that very object is
   * given back.
   */
  scan<T extends FolderColumns>(
    path: string,
    skip: (path: string) => boolean,
    known: (path: string) => T | undefined,
  ): (FolderColumns | T)[];
  /** Whole or not at all: written to a temporary name beside it and renamed. Parent folders are made. */
  writeAtomic(path: string, content: string | Uint8Array, mode?: number): Promise<void>;
  /** Appends a line to a log file; parent folders are made. */
  openLog(path: string): LogFile;
  /** A fresh folder beside `path` on the same file system, for `replace`. Its mode is 755 unless given. */
  makeTemporary(path: string, mode?: number): Promise<string>;
  /**
   * A writer for a file inside a folder that exists; parents are made; mode is permission bits. `modified` becomes the
   * file's time, which is that of the last write otherwise.
   */
  writeStream(path: string, mode: number, modified?: Date): Promise<NodeJS.WritableStream>;
  /** A writer for a file that its first bytes create; see LateFileWriter. */
  writeLate(path: string, options: { replace: boolean }): NodeJS.WritableStream;
  /** A writer for a file that is mostly zeros: these take no room on the disk. */
  writeSparse(path: string, mode: number): Promise<NodeJS.WritableStream>;
  /** For a tree that nobody vouches for, below a folder that exists. */
  writeTree(folder: string): Promise<TreeWriter>;
  makeFolder(path: string): Promise<void>;
  /** Puts `from` in the place of `to`, atomically where `to` is not there yet. */
  replace(from: string, to: string): Promise<void>;
  /**
   * Moves a tree to where one may be already: folders that are in both become one, files and links take the place of
   * files and links. Rejects with an `environment` error when a folder meets something else, links to folders included.
   * Then the folders get their modes, innermost first: a folder that may not be written to cannot be moved.
   */
  mergeInto(from: string, to: string, folders?: readonly FolderFacts[]): Promise<void>;
  /** Points a symbolic link somewhere else, atomically. */
  pointLink(link: string, target: string): Promise<void>;
  /** Files, links and folders alike; nothing happens when it is not there. */
  remove(path: string): Promise<void>;
  /** The same where others may write, who could put a link in the place of a folder meanwhile. */
  removeTree(path: string): Promise<void>;
  list(path: string): Promise<string[]>;
  realPath(path: string): Promise<string>;
  /**
   * Holds a lock file until disposed of. Rejects with an `environment` error that names the owner's pid when another
   * live process holds it; the lock of a process that died is taken over. Only other failures have a cause.
   */
  lock(path: string, what: string): Promise<AsyncDisposable>;
  /** Whether a live process holds that lock. */
  isLocked(path: string): Promise<boolean>;
}

/**
 * Paths are relative. Folders above are made; nothing is written over, and no link is followed. Rejects with an
 * `UnstorableError` for what the file system does not have; so do files' streams.
 */
export interface TreeWriter extends AsyncDisposable {
  file(path: string, mode: number, modified?: Date): Promise<NodeJS.WritableStream>;
  /** Until it gets its own, its mode is one that lets us write to it. */
  folder(path: string, mode?: number): Promise<void>;
  symlink(path: string, target: string): Promise<void>;
  /** A copy, where the file system has no hard links. */
  hardLink(path: string, original: string): Promise<void>;
  /** A file or link that was made. */
  remove(path: string): Promise<void>;
}

/** What a folder gets when everything is in it. */
export interface FolderFacts {
  /** Relative; "" for the tree's own folder. */
  readonly path: string;
  readonly mode: number;
  readonly modified: Date | undefined;
}

export interface LogFile extends AsyncDisposable {
  write(line: string): void;
}

/** The person's terminal, if there is one. */
export interface Terminal {
  readonly isInteractive: boolean;
  /** "xterm-256color", as TERM says; undefined where nobody says. */
  readonly type: string | undefined;
  size(): { rows: number; columns: number };
  /** Bytes typed, until disposed of: raw mode on, and restored on dispose and on every way out of the process. */
  raw(): RawTerminal;
}

export interface RawTerminal extends Disposable {
  readonly input: Readable;
  write(bytes: Uint8Array): void;
  onResize(listener: () => void): void;
}
