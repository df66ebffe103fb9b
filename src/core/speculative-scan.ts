/** Where a project keeps its records of a local tree. */
export interface TreePlace {
  /** Absolute: the folder with the indexes, and the records of what was built and sent. */
  readonly state: string;
  /** The latest index. */
  readonly newest: string;
}

/** The request to the thread that scans a tree. */
export interface ScanRequest {
  /** Absolute, links resolved. */
  readonly folder: string;
  readonly place: TreePlace;
}

/** The request to the thread that checks whether a tree has changed. */
export interface RecheckRequest extends ScanRequest {
  /** Of the tree when it was scanned. */
  readonly digest: string;
}

/** A scan of the tree that was built last, which starts before the configuration is read. */
export interface SpeculativeScan {
  /**
   * Returns the scan's messages if it is of the wanted tree; otherwise, and when the signal aborts, ends the scan. Call once.
   */
  take(wanted: ScanRequest, signal: AbortSignal): AsyncIterator<unknown, unknown> | undefined;
  /** Ends the scan unless it was taken. */
  cancel(): void;
}
