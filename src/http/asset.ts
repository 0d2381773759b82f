export interface AssetContent {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Names these bytes and no others, with its quotes. */
  readonly etag: string;
}

/** A file that is served as it is: a page, a style, a script. Its address is a whole one, so no path leads anywhere else. */
export interface Asset {
  readonly path: string;
  /** Media type; a page is `text/html`, and gets a policy that lets it load from this server alone. */
  readonly contentType: string;
  /** What `GET /` says of it; absent: it belongs to a page, and is not listed. */
  readonly about?: string;
  /** The address carries the version of its content, so that it may be kept for good. Default false: asked for each time, by its etag. */
  readonly versioned?: boolean;
  /** The content; whoever gives it out keeps it, so that it may be asked for often. */
  read(): Promise<AssetContent>;
}
