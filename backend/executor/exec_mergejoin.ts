/**
 * MergeJoin: walks two inputs that are sorted by the join keys. Both are fetched one row at a time; the inner rows of the
 * current key are kept, so that every outer row of that key meets them all (PostgreSQL's mark and restore).
 * A row with a null key matches nothing. Follows src/backend/executor/nodeMergejoin.c.
 */
import type { MergeJoin, OpExpr } from "../nodes/nodes.ts";
import { exprType } from "../nodes/node_funcs.ts";
import { execCatalog } from "./exec_catalog.ts";
import type { Col, RowSource } from "./exec_codegen.ts";
import type { Produce } from "./exec_compile.ts";
import { INNER_VAR, OUTER_VAR } from "./exec_expr_compile.ts";
import { anyNull, cmpKind } from "./exec_keys.ts";
import { nullableRow, StoredRow } from "./exec_stored_row.ts";

export const produceMergeJoin: Produce<MergeJoin> = (pc, plan, needed, consume) => {
  const { cg, exprs } = pc;
  const { jointype } = plan;
  const fillOuter = jointype === "JOIN_LEFT" || jointype === "JOIN_FULL" || jointype === "JOIN_ANTI";
  const fillInner = jointype === "JOIN_RIGHT" || jointype === "JOIN_FULL" || jointype === "JOIN_RIGHT_ANTI";
  const outerPull = pc.pull(plan.lefttree!, pc.columnsUsed(plan, OUTER_VAR, needed));
  const innerCols = pc.columnsUsed(plan, INNER_VAR, needed);
  const innerPull = pc.pull(plan.righttree!, innerCols);
  const stored = new StoredRow(cg, [...innerCols].sort((a, b) => a - b));
  const clauses = plan.mergeclauses as OpExpr[];
  const cmps = clauses.map((c, i) => {
    const [l, r] = c.args.map(exprType);
    const f = execCatalog().familyCmp(plan.mergeFamilies[i], l, r, plan.mergeCollations[i]);
    return { ...f, numeric: cmpKind(f.prosrc, plan.mergeCollations[i]) === "num", reverse: plan.mergeReversals[i] };
  });
  /** Condition of the order of an inner row's keys against an outer row's: a number below, 0 or above. */
  const compare = (outer: readonly Col[], inner: readonly Col[]): string => {
    const c = cg.name("c");
    cg.emit(`let ${c}=0;`);
    const next = (i: number): void => {
      if (i === cmps.length) return;
      const { cmp, reverse, numeric } = cmps[i];
      const a = inner[i].v;
      const b = outer[i].v;
      const plain = numeric && inner[i].rep !== "bool" && !/float/.test(cmps[i].prosrc);
      const e = plain ? `(${a}<${b}?-1:${a}>${b}?1:0)` : `${cg.slot(cmp)}(${b},${a})*-1`;
      cg.emit(`${c}=${reverse ? "-" : ""}${plain ? e : `(${e})`};`);
      if (i + 1 < cmps.length) cg.block(`if(${c}===0)`, () => next(i + 1));
    };
    next(0);
    return c;
  };
  const keysOf = (side: 0 | 1, row: RowSource): Col[] =>
    clauses.map((c) => cg.stable(exprs.compile(c.args[side], side === 0 ? { outer: row } : { inner: row })));

  const [st, hasI, grp, gi, om, onull, unmatched, ui, irow] = ["st", "hi", "grp", "gi", "om", "on", "un", "ui", "ir"]
    .map(
      (x) => cg.name(x),
    );
  // st 0: wants an outer row. 1: pairs the outer row with the group. 2: hands out unmatched inner rows, then goes to `back`.
  // 3: outer side is exhausted, the rest of the inner side is unmatched.
  const back = cg.name("back");
  const [hasO2, hasI2, cur, at] = ["ho", "hn", "cur", "at"].map((x) => cg.name(x));
  outerPull.open();
  innerPull.open();
  cg.emit(`let ${hasI}=false;`);
  cg.emit(
    `let ${st}=0,${grp}=[],${gi}=0,${om}=false,${onull}=false,${unmatched}=[],${ui}=0,${back}=0,${irow}=null;`,
  );
  const fetchInner = (): void => {
    cg.emit(`${hasI}=${innerPull.next};`);
    cg.block(`if(${hasI})`, () => cg.emit(`${irow}=[${stored.write(innerPull.row)},false];`));
  };
  fetchInner();
  const retire = (): void => {
    // The group is passed: what never matched is handed out by right and full joins.
    if (fillInner) cg.emit(`for(const r of ${grp})if(!r[1])${unmatched}.push(r);`);
    cg.emit(`${grp}=[];`);
  };
  cg.block("for(;;)", () => {
    cg.emit(`let ${hasO2}=true,${hasI2}=true,${cur}=null;`);
    cg.block(`if(${st}===0)`, () => {
      cg.emit(`${cg.h("checkForInterrupts")}();`);
      cg.block(`if(!(${outerPull.next}))`, () => {
        retire();
        cg.emit(fillInner ? `${st}=2;${back}=3;${ui}=0;continue;` : "break;");
      });
      const ok = keysOf(0, outerPull.row);
      cg.emit(`${om}=false;${gi}=0;${st}=1;${onull}=${anyNull(ok)};`);
      cg.block(`if(!${onull})`, () => {
        const same = cg.name("same");
        cg.emit(`let ${same}=false;`);
        cg.block(`if(${grp}.length!==0)`, () => {
          const first = cg.name("g");
          cg.emit(`const ${first}=${grp}[0][0];`);
          const c = compare(ok, keysOf(1, stored.read(first)));
          cg.emit(`${same}=${c}===0;`);
        });
        cg.block(`if(!${same})`, () => {
          retire();
          cg.block(`while(${hasI})`, () => {
            cg.emit(`const ${at}=${irow}[0];`);
            const ik = keysOf(1, stored.read(at));
            const inull = anyNull(ik);
            const skip = `${fillInner ? `${unmatched}.push(${irow});` : ""}`;
            if (inull !== "false") {
              cg.block(`if(${inull})`, () => {
                cg.emit(skip);
                fetchInner();
                cg.emit("continue;");
              });
            }
            const c = compare(ok, ik);
            cg.emit(`if(${c}>0)break;`);
            cg.emit(`if(${c}===0)${grp}.push(${irow});`);
            if (fillInner) cg.emit(`else ${skip}`);
            fetchInner();
          });
          if (fillInner) cg.emit(`if(${unmatched}.length!==0){${st}=2;${back}=1;${ui}=0;continue;}`);
        });
      });
    });
    cg.block(`if(${st}===1)`, () => {
      const label = cg.name("L");
      const [g, gr] = [cg.name("g"), cg.name("gr")];
      cg.block(`if(!${onull})${label}:for(;${gi}<${grp}.length;${gi}++)`, () => {
        cg.emit(`const ${g}=${grp}[${gi}],${gr}=${g}[0];`);
        const env = { outer: outerPull.row, inner: stored.read(gr) };
        exprs.qual(
          plan.joinqual,
          env,
          () => cg.emit(`${om}=true;${g}[1]=true;${cur}=${gr};break ${label};`),
          pc.filtered(plan),
        );
      });
      cg.block(`if(${cur}===null)`, () => {
        cg.emit(`${st}=0;`);
        if (fillOuter) cg.emit(`if(${om})continue;${hasI2}=false;`);
        else cg.emit("continue;");
      });
      cg.block("else", () => {
        if (jointype === "JOIN_ANTI") cg.emit(`${st}=0;continue;`);
        else if (jointype === "JOIN_RIGHT_ANTI") cg.emit(`${gi}++;continue;`);
        else if (jointype === "JOIN_SEMI" || (plan.inner_unique && !fillInner)) cg.emit(`${st}=0;`);
        else cg.emit(`${gi}++;`);
      });
    });
    if (fillInner) {
      cg.block(`else if(${st}===2)`, () => {
        cg.emit(`if(${ui}>=${unmatched}.length){${unmatched}.length=0;${st}=${back};continue;}`);
        cg.emit(`${cur}=${unmatched}[${ui}++][0];${hasO2}=false;`);
      });
      cg.block("else", () => {
        cg.emit(`if(!${hasI})break;`);
        cg.emit(`${cur}=${irow}[0];${hasO2}=false;`);
        fetchInner();
      });
    }
    const c = cg.name("ir");
    cg.emit(`const ${c}=${cur}??${cg.h("NO_ROW")};`);
    const inner = stored.read(c);
    const env = {
      outer: fillInner ? nullableRow(cg, outerPull.row, hasO2) : outerPull.row,
      inner: fillOuter ? nullableRow(cg, inner, hasI2) : inner,
    };
    exprs.qual(plan.qual, env, () => consume(pc.project(plan.targetlist, env)), pc.filtered(plan, "nfiltered2"));
  });
};

/** Stands for a missing row where code reads columns that it then ignores. */
export const NO_ROW: readonly null[] = Object.freeze(new Array(64).fill(null));
