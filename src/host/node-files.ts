import { nodes } from "./file-nodes.js";
import type { HostFiles } from "./host.js";
import { lock } from "./lock.js";
import {
  exists,
  isFolder,
  isWritable,
  list,
  readBytes,
  readHead,
  readStream,
  readText,
  realPath,
  status,
  tree,
} from "./read-files.js";
import { scan } from "./scan.js";
import {
  makeFolder,
  makeSymlink,
  makeTemporary,
  mergeInto,
  openLog,
  pointLink,
  remove,
  replace,
  setMode,
  writeAtomic,
  writeSparse,
  writeStream,
} from "./write-files.js";

export const nodeFiles: HostFiles = {
  ...{ readText, readBytes, readStream, exists, isFolder, status, tree, nodes, list, realPath },
  ...{ writeAtomic, writeStream, writeSparse, openLog, makeTemporary, makeSymlink, makeFolder },
  ...{ mergeInto, setMode, readHead, isWritable, scan },
  ...{ replace, pointLink, remove, lock },
};
