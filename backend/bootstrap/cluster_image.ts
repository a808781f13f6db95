/**
 * A cluster as initdb makes it by default, kept in the program, so that making one is writing files.
 *
 * The build packs a directory that our own initdb made (`tools/build.ts`). An image holds template1, the shared catalogs and
 * pg_xact; everything else belongs to the one cluster and is made when it is: the write-ahead log starts behind the image's
 * last position, with a system identifier of its own. Layout: u32 length of a JSON header, the header, the files one
 * behind the other in its order. Run from source there is no image.
 */
import { decodeControlFile } from "../access/transam/control_file.ts";

/** What is in the image as it was in the directory. */
const DIRECTORIES = ["base/1", "global", "pg_xact"];
const NOT_IN_IMAGE = new Set(["base/1/PG_VERSION", "global/pg_control"]);

interface Header {
  readonly nextXid: number;
  readonly nextOid: number;
  /** Pages may carry LSNs up to here. */
  readonly endLsn: number;
  readonly files: readonly (readonly [path: string, bytes: number])[];
}
export interface ClusterImage extends Omit<Header, "files"> {
  readonly files: ReadonlyMap<string, Uint8Array>;
}

/** Packs the cluster in `dir`, which was shut down. */
export function packCluster(dir: string): Uint8Array<ArrayBuffer> {
  const { checkPoint, checkPointCopy } = decodeControlFile(
    new DataView(Deno.readFileSync(`${dir}/global/pg_control`).buffer),
  );
  const paths = DIRECTORIES.flatMap((d) => [...Deno.readDirSync(`${dir}/${d}`)].map((e) => `${d}/${e.name}`))
    .filter((p) => !NOT_IN_IMAGE.has(p)).sort();
  const contents = paths.map((p) => Deno.readFileSync(`${dir}/${p}`));
  const header: Header = {
    nextXid: checkPointCopy.nextXid,
    nextOid: checkPointCopy.nextOid,
    endLsn: checkPoint,
    files: paths.map((p, i) => [p, contents[i].length]),
  };
  const text = new TextEncoder().encode(JSON.stringify(header));
  const out = new Uint8Array(4 + text.length + contents.reduce((n, c) => n + c.length, 0));
  new DataView(out.buffer).setUint32(0, text.length, true);
  out.set(text, 4);
  let at = 4 + text.length;
  for (const c of contents) {
    out.set(c, at);
    at += c.length;
  }
  return out;
}

/** The opposite of packCluster(). */
export function unpackCluster(bytes: Uint8Array<ArrayBuffer>): ClusterImage {
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + length))) as Header;
  const files = new Map<string, Uint8Array>();
  let at = 4 + length;
  for (const [path, size] of header.files) {
    files.set(path, bytes.subarray(at, at + size));
    at += size;
  }
  return { ...header, files };
}

/** The image in this program, or null. */
export function embeddedClusterImage(): ClusterImage | null {
  if (!Deno.build.standalone) return null;
  try {
    return unpackCluster(Deno.readFileSync(new URL("../catalog/cluster.image", import.meta.url)));
  } catch (e) {
    if (e instanceof Deno.errors.NotFound) return null;
    throw e;
  }
}
