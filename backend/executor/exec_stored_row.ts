/**
 * Rows that leave a pipeline: arrays of Datums with the columns that are needed later, and how code reads them back.
 */
import { type CodeGen, type Col, Memo, type Rep, type RowSource } from "./exec_codegen.ts";
import { missingColumn } from "./exec_compile.ts";

/** Layout of a row array. write() makes its literal, read() its columns; what was never null when written stays so. */
export class StoredRow {
  private readonly at = new Map<number, number>();
  private readonly cols: { nullable: boolean; rep: Rep }[] = [];

  constructor(private readonly cg: CodeGen, attnos: Iterable<number>) {
    for (const a of attnos) {
      this.at.set(a, this.cols.length);
      this.cols.push({ nullable: false, rep: "ref" });
    }
  }
  get width(): number {
    return this.cols.length;
  }
  /** Position of a column in the array. */
  index(attno: number): number {
    return this.at.get(attno) ?? missingColumn(attno);
  }
  private note(attno: number, col: Col): void {
    const c = this.cols[this.index(attno)];
    c.rep = col.rep;
    if (col.n !== "false") c.nullable = true;
  }
  /** Array literal of the row's columns; reads them, copying bytes off the page. */
  write(row: RowSource): string {
    const parts: string[] = [];
    for (const attno of this.at.keys()) {
      const col = row.get(attno);
      this.note(attno, col);
      parts.push(this.cg.keep(col));
    }
    return `[${parts.join(",")}]`;
  }
  /** Columns of the array in `e`. */
  read(e: string): RowSource {
    const memo = new Memo();
    return {
      get: (attno) =>
        this.cg.memo(memo, attno, () => {
          const i = this.index(attno);
          const c = this.cols[i];
          const v = this.cg.name("c");
          this.cg.emit(`const ${v}=${e}[${i}];`);
          return { v, n: c.nullable ? `${v}===null` : "false", rep: c.rep, inband: true };
        }),
    };
  }
}

/** A row whose columns are all null unless the condition `has` holds: the nullable side of an outer join. */
export function nullableRow(cg: CodeGen, row: RowSource, has: string): RowSource {
  const memo = new Memo();
  return {
    get: (attno) =>
      cg.memo(memo, attno, () => {
        const c = row.get(attno);
        if (c.lazy !== undefined) {
          const p = cg.name("p");
          cg.emit(`const ${p}=${has}?${c.lazy}:0;`);
          return { ...c, lazy: p, n: `${p}===0` };
        }
        if (c.rep === "ref") {
          const v = cg.name("c");
          cg.emit(`const ${v}=${has}?${cg.datum(c)}:null;`);
          return { v, n: `${v}===null`, rep: c.rep, inband: true };
        }
        const n = cg.name("n");
        cg.emit(`const ${n}=!${has}||${c.n};`);
        return { v: c.v, n, rep: c.rep, inband: false };
      }),
  };
}

/** A row of which every column is null. */
export const ALL_NULLS: RowSource = {
  get: () => ({ v: "null", n: "true", rep: "ref", inband: true }),
};
