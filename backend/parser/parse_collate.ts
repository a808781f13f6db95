/**
 * Collations: works out, bottom up, the collation of each expression and of each function's inputs, in place.
 *
 * Each subtree has a collation and a strength: none, implicit, conflict (two implicit ones), explicit. A conflict is an
 * error only where a node needs to know. Follows src/backend/parser/parse_collate.c.
 */
import type { Oid } from "../../base/types.ts";
import { PgError } from "../../base/error.ts";
import { ERRCODE } from "../../base/errcodes.ts";
import type { Aggref, Node, Query, RowCompareExpr, TargetEntry, WindowFunc } from "../nodes/nodes.ts";
import {
  exprCollation,
  expressionTreeWalker,
  exprLocation,
  exprSetCollation,
  exprSetInputCollation,
  exprType,
  QTW_IGNORE_CTE_SUBQUERIES,
  QTW_IGNORE_RANGE_TABLE,
  queryTreeWalker,
} from "../nodes/node_funcs.ts";
import { getCollationName, getTypcollation } from "../utils/cache/lsyscache.ts";
import { searchSysCache } from "../utils/cache/syscache.ts";
import { DEFAULT_COLLATION_OID } from "../catalog/catalog_oids.ts";
import type { ParseState } from "./parse_node.ts";
import { parseError } from "./parse_node.ts";

const COLLATE_NONE = 0;
const COLLATE_IMPLICIT = 1;
const COLLATE_CONFLICT = 2;
const COLLATE_EXPLICIT = 3;
type Strength = 0 | 1 | 2 | 3;

interface Context {
  pstate: ParseState | null;
  collation: Oid;
  strength: Strength;
  location: number;
  /** The other collation of a conflict. */
  collation2: Oid;
  location2: number;
}
function newContext(pstate: ParseState | null): Context {
  return { pstate, collation: 0, strength: COLLATE_NONE, location: -1, collation2: 0, location2: -1 };
}

/** assign_query_collations: everything in a query except its range table and WITH items, which were done before. */
export function assignQueryCollations(pstate: ParseState | null, query: Query): void {
  queryTreeWalker(
    query,
    (node) => {
      // Set operations were given theirs when they were transformed.
      if (node.type === "SetOperationStmt") return false;
      assignExprCollations(pstate, node);
      return false;
    },
    QTW_IGNORE_RANGE_TABLE | QTW_IGNORE_CTE_SUBQUERIES,
  );
}
export function assignListCollations(pstate: ParseState | null, exprs: readonly (Node | null)[]): void {
  for (const e of exprs) assignExprCollations(pstate, e);
}
export function assignExprCollations(pstate: ParseState | null, expr: Node | null): void {
  if (expr === null) return;
  assignCollationsWalker(expr, newContext(pstate));
}

/** select_common_collation: 0 if there is none, or on conflict with `noneOk`. */
export function selectCommonCollation(pstate: ParseState | null, exprs: readonly Node[], noneOk: boolean): Oid {
  const context = newContext(pstate);
  for (const e of exprs) assignCollationsWalker(e, context);
  if (context.strength === COLLATE_CONFLICT) {
    if (noneOk) return 0;
    throw mismatch(context.pstate, ERRCODE.COLLATION_MISMATCH, context, "select_common_collation");
  }
  return context.collation;
}
function mismatch(pstate: ParseState | null, code: string, c: Context, routine: string): PgError {
  return parseError(
    pstate,
    c.location2,
    routine,
    code,
    `collation mismatch between implicit collations "${getCollationName(c.collation)}" and "${
      getCollationName(c.collation2)
    }"`,
    { hint: "You can choose the collation by applying the COLLATE clause to one or both expressions." },
  );
}

/** Children in list order, each walked with the shared context. */
function walkAll(nodes: readonly (Node | null)[], context: Context): void {
  for (const n of nodes) if (n !== null) assignCollationsWalker(n, context);
}

function assignCollationsWalker(node: Node, context: Context): void {
  const loccontext = newContext(context.pstate);
  let collation: Oid = 0;
  let strength: Strength = COLLATE_NONE;
  let location = -1;
  switch (node.type) {
    case "CollateExpr": {
      assignCollationsWalker(node.arg!, loccontext);
      collation = node.collOid;
      strength = COLLATE_EXPLICIT;
      location = node.location;
      break;
    }
    case "FieldSelect": {
      assignCollationsWalker(node.arg!, loccontext);
      if (node.resultcollid !== 0) {
        collation = node.resultcollid;
        strength = COLLATE_IMPLICIT;
        location = exprLocation(node);
      }
      break;
    }
    case "RowExpr":
      // Fields do not influence each other.
      assignListCollations(context.pstate, node.args);
      return;
    case "RowCompareExpr":
      assignRowCompare(node, context);
      return;
    case "CoerceToDomain": {
      const typcollation = getTypcollation(node.resulttype);
      assignCollationsWalker(node.arg!, loccontext);
      if (typcollation !== 0) {
        if (typcollation === DEFAULT_COLLATION_OID) {
          collation = loccontext.collation;
          strength = loccontext.strength;
          location = loccontext.location;
        } else {
          collation = typcollation;
          strength = COLLATE_IMPLICIT;
          location = exprLocation(node);
        }
      }
      if (strength === COLLATE_CONFLICT) exprSetCollation(node, 0);
      else exprSetCollation(node, collation);
      break;
    }
    case "TargetEntry": {
      assignCollationsWalker(node.expr!, loccontext);
      collation = loccontext.collation;
      strength = loccontext.strength;
      location = loccontext.location;
      // ORDER BY and the like will need it: report a conflict now.
      if (strength === COLLATE_CONFLICT && node.ressortgroupref !== 0) {
        throw mismatch(context.pstate, ERRCODE.COLLATION_MISMATCH, loccontext, "assign_collations_walker");
      }
      // A conflict stays one for callers that combine columns.
      if (strength === COLLATE_CONFLICT) {
        mergeCollationState(
          collation,
          strength,
          location,
          loccontext.collation2,
          loccontext.location2,
          context,
        );
        return;
      }
      break;
    }
    case "InferenceElem":
    case "RangeTblRef":
    case "JoinExpr":
    case "FromExpr":
    case "OnConflictExpr":
    case "SortGroupClause":
    case "MergeAction":
      expressionTreeWalker(node, (n) => {
        assignCollationsWalker(n, loccontext);
        return false;
      });
      return;
    case "Query":
      // A sub-SELECT was done when it was analyzed; its single column's collation matters to the SubLink.
      if (node.targetList.length === 0) return;
      {
        const tent = node.targetList[0];
        if (tent.resjunk) return;
        collation = exprCollation(tent.expr);
        strength = COLLATE_IMPLICIT;
        location = exprLocation(tent.expr);
      }
      break;
    case "Var":
    case "Const":
    case "Param":
    case "CoerceToDomainValue":
    case "CaseTestExpr":
    case "SetToDefault":
    case "CurrentOfExpr":
    case "SQLValueFunction":
    case "NextValueExpr":
    case "GroupingFunc": {
      if (node.type === "GroupingFunc") {
        for (const a of node.args) assignCollationsWalker(a, newContext(context.pstate));
      }
      // General rule for leaves: their own collation, implicitly.
      collation = exprCollation(node);
      if (collation !== 0) strength = COLLATE_IMPLICIT;
      location = exprLocation(node);
      break;
    }
    default: {
      switch (node.type) {
        case "Aggref":
          switch (node.aggkind) {
            case "n":
              assignAggregateCollations(node, loccontext);
              break;
            case "o":
              assignOrderedSetCollations(node, loccontext);
              break;
            default:
              assignHypotheticalCollations(node, loccontext);
          }
          assignExprCollations(context.pstate, node.aggfilter);
          break;
        case "WindowFunc":
          walkAll((node as WindowFunc).args, loccontext);
          assignExprCollations(context.pstate, node.aggfilter);
          break;
        case "CaseExpr":
          // Conditions and the test value do not influence the result.
          assignExprCollations(context.pstate, node.arg);
          for (const w of node.args) {
            if (w.type !== "CaseWhen") throw new PgError({ message: "unexpected node in CASE" });
            assignExprCollations(context.pstate, w.expr);
            assignCollationsWalker(w.result!, loccontext);
          }
          assignCollationsWalker(node.defresult!, loccontext);
          break;
        case "SubscriptingRef":
          // Subscripts are of no matter; the container and the assigned value are.
          assignListCollations(context.pstate, node.refupperindexpr);
          assignListCollations(context.pstate, node.reflowerindexpr);
          assignCollationsWalker(node.refexpr!, loccontext);
          if (node.refassgnexpr !== null) assignCollationsWalker(node.refassgnexpr, loccontext);
          break;
        case "JsonExpr":
          if (node.formatted_expr !== null) assignCollationsWalker(node.formatted_expr, loccontext);
          assignListCollations(context.pstate, node.passing_values);
          break;
        case "SubLink":
          assignExprCollations(context.pstate, node.testexpr);
          if (node.subselect !== null) assignCollationsWalker(node.subselect, loccontext);
          break;
        default:
          expressionTreeWalker(node, (n) => {
            assignCollationsWalker(n, loccontext);
            return false;
          });
      }
      // Now the node itself: collatable types take what came up, or the type's own.
      const typcollation = getTypcollation(exprType(node));
      if (typcollation !== 0) {
        if (loccontext.strength > COLLATE_NONE) {
          collation = loccontext.collation;
          strength = loccontext.strength;
          location = loccontext.location;
        } else {
          collation = typcollation;
          strength = COLLATE_IMPLICIT;
          location = exprLocation(node);
        }
      } else {
        collation = 0;
        strength = COLLATE_NONE;
        location = -1;
      }
      if (strength === COLLATE_CONFLICT) exprSetCollation(node, 0);
      else exprSetCollation(node, collation);
      if (loccontext.strength === COLLATE_CONFLICT) exprSetInputCollation(node, 0);
      else exprSetInputCollation(node, loccontext.collation);
    }
  }
  mergeCollationState(collation, strength, location, loccontext.collation2, loccontext.location2, context);
}

function mergeCollationState(
  collation: Oid,
  strength: Strength,
  location: number,
  collation2: Oid,
  location2: number,
  context: Context,
): void {
  if (strength > context.strength) {
    context.collation = collation;
    context.strength = strength;
    context.location = location;
    if (strength === COLLATE_CONFLICT) {
      context.collation2 = collation2;
      context.location2 = location2;
    }
  } else if (strength === context.strength) {
    switch (strength) {
      case COLLATE_IMPLICIT:
        if (collation !== context.collation) {
          // A non-default collation beats the default one.
          if (context.collation === DEFAULT_COLLATION_OID) {
            context.collation = collation;
            context.strength = strength;
            context.location = location;
          } else if (collation !== DEFAULT_COLLATION_OID) {
            context.strength = COLLATE_CONFLICT;
            context.collation2 = collation;
            context.location2 = location;
          }
        }
        break;
      case COLLATE_EXPLICIT:
        if (collation !== context.collation) {
          throw parseError(
            context.pstate,
            location,
            "merge_collation_state",
            ERRCODE.COLLATION_MISMATCH,
            `collation mismatch between explicit collations "${getCollationName(context.collation)}" and "${
              getCollationName(collation)
            }"`,
          );
        }
        break;
      default:
        break;
    }
  }
}

function assignRowCompare(node: RowCompareExpr, context: Context): void {
  node.inputcollids = node.largs.map((l, i) => selectCommonCollation(context.pstate, [l, node.rargs[i]], true));
}

function assignAggregateCollations(agg: Aggref, loccontext: Context): void {
  for (const t of agg.args) {
    const tle = t as TargetEntry;
    if (tle.resjunk) assignExprCollations(loccontext.pstate, tle);
    else assignCollationsWalker(tle, loccontext);
  }
}
/** WITHIN GROUP columns merge with the direct arguments only if there is exactly one (and it is not variadic). */
function assignOrderedSetCollations(agg: Aggref, loccontext: Context): void {
  const merge = agg.args.length === 1 && (searchSysCache("PROCOID", agg.aggfnoid)?.provariadic ?? 0) === 0;
  walkAll(agg.aggdirectargs, loccontext);
  for (const t of agg.args) {
    if (merge) assignCollationsWalker(t, loccontext);
    else assignExprCollations(loccontext.pstate, t);
  }
}
function assignHypotheticalCollations(agg: Aggref, loccontext: Context): void {
  const merge = agg.args.length === 1 && (searchSysCache("PROCOID", agg.aggfnoid)?.provariadic ?? 0) === 0;
  const extra = agg.aggdirectargs.length - agg.args.length;
  agg.aggdirectargs.slice(0, extra).forEach((a) => assignCollationsWalker(a, loccontext));
  agg.args.forEach((s, i) => {
    const h = agg.aggdirectargs[extra + i];
    const pair = newContext(loccontext.pstate);
    assignCollationsWalker(h, pair);
    assignCollationsWalker(s, pair);
    // Both sides must compare under the same collation.
    const collation = pair.collation;
    const tle = s as TargetEntry;
    if (collation !== 0 && collation !== exprCollation(tle.expr)) {
      tle.expr = {
        type: "RelabelType",
        arg: tle.expr,
        resulttype: exprType(tle.expr),
        resulttypmod: -1,
        resultcollid: collation,
        relabelformat: "COERCE_IMPLICIT_CAST",
        location: -1,
      };
    }
    if (merge) {
      mergeCollationState(
        pair.collation,
        pair.strength,
        pair.location,
        pair.collation2,
        pair.location2,
        loccontext,
      );
    }
  });
}
