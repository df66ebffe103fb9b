import type { Readable } from "node:stream";
import type { FolderColumns } from "../core/folder-columns.js";
import type { Peer, Exchange } from "./exchange.js";

export type { Peer, Exchange } from "./exchange.js";

/** The machine that kdock runs on, implemented by `node-host.ts`. Paths are absolute. */
export interface Host {
  /** Milliseconds since 1970. */
  now(): number;
  /** As in `uname -m` on Linux: "x86_64", "aarch64". */
  readonly machine: string;
  readonly files: HostFiles;
  /** Undefined if there is no such program on PATH. */
  which(program: string): Promise<string | undefined>;
  /**
   * Runs a program and streams its stdout. If the program fails, the stream fails with an `environment` error that quotes the end
   * of stderr. Destroying the stream ends the program.
   */
  stream(argv: readonly string[], options: RunOptions): Promise<Readable>;
  /** The whole stdout, trimmed; rejects with an `environment` error as `stream` does. */
  capture(argv: readonly string[], options: RunOptions): Promise<string>;
  /** Runs a program in a folder if this process is killed, until the watch is cancelled. */
  ifKilled(argv: readonly string[], folder: string): KillWatch;
  /**
   * Yields the values of a module's `work` for a request, which runs in a worker thread; see ThreadModule. Aborting ends the
   * thread, and so does an error that is not a KdockError.
   */
  inThread(module: URL, request: unknown, signal: AbortSignal): AsyncIterable<unknown>;
  /**
   * Listens on "socket" in a folder below `outer`, which is created and removed afterwards; every process that can reach the
   * folder may connect. Undefined if no socket can be created: the name is too long, or the file system has no sockets.
   */
  receive(outer: string): Promise<Receiver | undefined>;
  /** Free bytes of the file system that holds the path, for this user; undefined if there is no such path. */
  freeBytes(path: string): Promise<number | undefined>;
  /** Whether a TCP listener could be opened there now. */
  portIsFree(address: string, port: number): Promise<boolean>;
  /** "docker-proxy (pid 4711)", for the message that a port is in use; undefined if the owner is not known. */
  portOwner(port: number): Promise<string | undefined>;
  /** Connects to a peer and receives for at most `limitMs`; never rejects. */
  exchange(peer: Peer, limitMs: number, signal: AbortSignal): Promise<Exchange>;
}

/** Disposing closes the connection, too. */
export interface Receiver extends AsyncDisposable {
  /** Absolute. */
  readonly folder: string;
  /** Resolves with the first connection; may stay pending. */
  readonly connected: Promise<void>;
  /** The first connection, unread; undefined if there is none yet. Later ones are closed. */
  connection(): Readable | undefined;
}

export interface KillWatch {
  cancel(): void;
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

/** An entry of a folder, with everything that an archive can hold. */
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
  /** The same for all hard links of a file; undefined if it has only one. */
  readonly link: string | undefined;
  /** Streams a file; fails with a `config` error that names the path. */
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
  /** The same for all hard links of a file; undefined if it has only one. */
  readonly inode: string | undefined;
}

export interface HostFiles {
  /** Does not follow a link; undefined if there is nothing. */
  status(path: string): Promise<FileStatus | undefined>;
  /** Streams a file; fails with a `config` error that names the path. */
  readStream(path: string): Readable;
  /** Opens the file first; rejects with a `config` error if it cannot be opened. */
  openStream(path: string): Promise<Readable>;
  /** Undefined if there is no such file; other failures reject with a `config` error that names the path. */
  readText(path: string): Promise<string | undefined>;
  /** Rejects with a `config` error if more than `max` bytes are read, independent of the file's size. */
  readBytes(path: string, max?: number): Promise<Uint8Array>;
  /** The first bytes of a file; fewer if it is shorter. */
  readHead(path: string, bytes: number): Promise<Uint8Array>;
  /** Whether this user may write to it. */
  isWritable(path: string): Promise<boolean>;
  exists(path: string): Promise<boolean>;
  /** Follows links; false if there is nothing. */
  isFolder(path: string): Promise<boolean>;
  /**
   * Every entry below a folder, in code-unit order of path. For sockets, devices, and unreadable files calls `onLeftOut` with the
   * relative path; without it, rejects with a `config` error.
   */
  tree(path: string, onLeftOut?: OnLeftOut): Promise<TreeEntry[]>;
  /** Every entry below a folder, folders before their entries; rejects with a `config` error if one cannot be read. */
  nodes(path: string): Promise<FileNode[]>;
  /**
   * Every folder of a large tree, each before its subfolders, without files and folders that `skip` selects. Sockets and devices
   * are left out. `known` returns a folder's earlier state: if nothing has changed, the same object is returned.
   */
  scan<T extends FolderColumns>(
    path: string,
    skip: (path: string) => boolean,
    known: (path: string) => T | undefined,
  ): (FolderColumns | T)[];
  /** Writes a temporary file in the same folder and renames it. Creates parent folders. */
  writeAtomic(path: string, content: string | Uint8Array, mode?: number): Promise<void>;
  /** Appends to a log file. Creates parent folders. */
  openLog(path: string): LogFile;
  /** Creates a folder beside `path` on the same file system, for `replace`. Its mode is 755 unless given. */
  makeTemporary(path: string, mode?: number): Promise<string>;
  /**
   * A writer for a new file. Creates parent folders; `mode` is permission bits. `modified` sets the mtime, which is the time of the
   * last write by default.
   */
  writeStream(path: string, mode: number, modified?: Date): Promise<NodeJS.WritableStream>;
  /** A writer that creates the file with the first bytes; see LateFileWriter. */
  writeLate(path: string, options: { replace: boolean }): NodeJS.WritableStream;
  /** A writer for a sparse file: zeros become holes. */
  writeSparse(path: string, mode: number): Promise<NodeJS.WritableStream>;
  /** A writer for an untrusted tree, below a folder that exists. */
  writeTree(folder: string): Promise<TreeWriter>;
  makeFolder(path: string): Promise<void>;
  /** Renames `from` to `to`, replacing it; atomic if `to` does not exist. */
  replace(from: string, to: string): Promise<void>;
  /**
   * Moves a tree over an existing one: folders are merged, files and links replace files and links. Rejects with an `environment`
   * error where a folder would replace something else or be replaced, links to folders included. Then sets the modes of folders,
   * innermost first: a folder without write permission could not be moved.
   */
  mergeInto(from: string, to: string, folders?: readonly FolderFacts[]): Promise<void>;
  /** Creates or replaces a symbolic link, atomically. */
  pointLink(link: string, target: string): Promise<void>;
  /** Removes a file, link or folder, if it exists. */
  remove(path: string): Promise<void>;
  /** The same for a folder that others may write to: safe against folders that are replaced by links meanwhile. */
  removeTree(path: string): Promise<void>;
  list(path: string): Promise<string[]>;
  realPath(path: string): Promise<string>;
  /**
   * Holds a lock file until disposed of. Rejects with an `environment` error with the holder's pid if another live process holds
   * it; the lock of a process that has ended is replaced. Only other errors have a cause.
   */
  lock(path: string, what: string): Promise<AsyncDisposable>;
  /** Whether a live process holds the lock. */
  isLocked(path: string): Promise<boolean>;
}

/**
 * Paths are relative. Creates parent folders; overwrites nothing, and follows no link. Rejects with an `UnstorableError` for
 * entries that the file system does not support; so do the streams of files.
 */
export interface TreeWriter extends AsyncDisposable {
  file(path: string, mode: number, modified?: Date): Promise<NodeJS.WritableStream>;
  /** The mode includes write permission for the owner; see `mergeInto`. */
  folder(path: string, mode?: number): Promise<void>;
  symlink(path: string, target: string): Promise<void>;
  /** A copy if the file system has no hard links. */
  hardLink(path: string, original: string): Promise<void>;
  /** Removes a file or link that was written. */
  remove(path: string): Promise<void>;
}

/** Mode and time of a folder, set when its entries are written. */
export interface FolderFacts {
  /** Relative; "" for the root of the tree. */
  readonly path: string;
  readonly mode: number;
  readonly modified: Date | undefined;
}

export interface LogFile extends AsyncDisposable {
  write(line: string): void;
}

/** kdock's terminal. */
export interface Terminal {
  readonly isInteractive: boolean;
  /** TERM, "xterm-256color"; undefined if it is not set. */
  readonly type: string | undefined;
  size(): { rows: number; columns: number };
  /** Turns raw mode on until disposed of, or the process exits. */
  raw(): RawTerminal;
}

export interface RawTerminal extends Disposable {
  readonly input: Readable;
  write(bytes: Uint8Array): void;
  onResize(listener: () => void): void;
}
