/**
 * Object addresses (catalog, oid, column) and their descriptions in messages.
 *
 * Follows src/backend/catalog/objectaddress.c. Descriptions are the texts of dependency errors: `table t`,
 * `column c of table t`, `constraint x on table t`; names that the search path hides are schema-qualified.
 */
import type { Oid } from "../../base/types.ts";
import * as O from "./catalog_oids.ts";
import { functionIsVisible, relationIsVisible } from "./namespace.ts";
import { searchSysCache } from "../utils/cache/syscache.ts";
import { catalogScan } from "./catalog_scan.ts";
import { formatTypeBe } from "../utils/adt/format_type.ts";
import { quoteIdentifier, quoteQualifiedIdentifier } from "../utils/adt/ruleutils_names.ts";

export interface ObjectAddress {
  readonly classId: Oid;
  readonly objectId: Oid;
  /** Column number, or 0 for the whole object. */
  readonly objectSubId: number;
}

export function objectAddress(classId: Oid, objectId: Oid, objectSubId = 0): ObjectAddress {
  return { classId, objectId, objectSubId };
}

function relationDescription(relid: Oid): string {
  const rel = searchSysCache("RELOID", relid);
  if (rel === null) return `relation ${relid}`;
  const nsp = relationIsVisible(relid) ? null : searchSysCache("NAMESPACEOID", rel.relnamespace)?.nspname ?? null;
  const name = quoteQualifiedIdentifier(nsp, rel.relname);
  switch (rel.relkind) {
    case "r":
    case "p":
      return `table ${name}`;
    case "i":
    case "I":
      return `index ${name}`;
    case "S":
      return `sequence ${name}`;
    case "t":
      return `toast table ${name}`;
    case "v":
      return `view ${name}`;
    case "m":
      return `materialized view ${name}`;
    case "c":
      return `composite type ${name}`;
    case "f":
      return `foreign table ${name}`;
    default:
      return `relation ${name}`;
  }
}

/** What messages call the object; null if it no longer exists. */
export function getObjectDescription(o: ObjectAddress): string | null {
  switch (o.classId) {
    case O.RelationRelationId: {
      if (o.objectSubId === 0) return relationDescription(o.objectId);
      const att = searchSysCache("ATTNUM", o.objectId, o.objectSubId);
      return att === null ? null : `column ${quoteIdentifier(att.attname)} of ${relationDescription(o.objectId)}`;
    }
    case O.TypeRelationId:
      return `type ${formatTypeBe(o.objectId)}`;
    case O.ConstraintRelationId: {
      const con = searchSysCache("CONSTROID", o.objectId);
      if (con === null) return null;
      return con.conrelid !== 0
        ? `constraint ${quoteIdentifier(con.conname)} on ${relationDescription(con.conrelid)}`
        : `constraint ${quoteIdentifier(con.conname)}`;
    }
    case O.AttrDefaultRelationId: {
      const def = catalogScan("pg_attrdef", { oid: o.objectId })[0];
      if (def === undefined) return null;
      const column = getObjectDescription(objectAddress(O.RelationRelationId, def.adrelid, def.adnum));
      return `default value for ${column}`;
    }
    case O.NamespaceRelationId: {
      const n = searchSysCache("NAMESPACEOID", o.objectId);
      return n === null ? null : `schema ${quoteIdentifier(n.nspname)}`;
    }
    case O.RewriteRelationId: {
      const r = catalogScan("pg_rewrite", { oid: o.objectId })[0];
      return r === undefined ? null : `rule ${quoteIdentifier(r.rulename)} on ${relationDescription(r.ev_class)}`;
    }
    case O.ProcedureRelationId: {
      const p = searchSysCache("PROCOID", o.objectId);
      if (p === null) return null;
      const schema = functionIsVisible(p.oid) ? null : searchSysCache("NAMESPACEOID", p.pronamespace)?.nspname ?? null;
      return `function ${quoteQualifiedIdentifier(schema, p.proname)}(${p.proargtypes.map(formatTypeBe).join(",")})`;
    }
    case O.AuthIdRelationId: {
      const a = searchSysCache("AUTHOID", o.objectId);
      return a === null ? null : `role ${quoteIdentifier(a.rolname)}`;
    }
    case O.DatabaseRelationId: {
      const d = searchSysCache("DATABASEOID", o.objectId);
      return d === null ? null : `database ${quoteIdentifier(d.datname)}`;
    }
    case O.OperatorClassRelationId: {
      const c = searchSysCache("CLAOID", o.objectId);
      return c === null ? null : `operator class ${quoteIdentifier(c.opcname)}`;
    }
    case O.LanguageRelationId: {
      const l = searchSysCache("LANGOID", o.objectId);
      return l === null ? null : `language ${quoteIdentifier(l.lanname)}`;
    }
    case O.ExtensionRelationId: {
      const e = searchSysCache("EXTENSIONOID", o.objectId);
      return e === null ? null : `extension ${quoteIdentifier(e.extname)}`;
    }
    case O.AccessMethodRelationId: {
      const a = searchSysCache("AMOID", o.objectId);
      return a === null ? null : `access method ${quoteIdentifier(a.amname)}`;
    }
    case O.TableSpaceRelationId: {
      const t = searchSysCache("TABLESPACEOID", o.objectId);
      return t === null ? null : `tablespace ${quoteIdentifier(t.spcname)}`;
    }
    case O.CollationRelationId: {
      const c = searchSysCache("COLLOID", o.objectId);
      return c === null ? null : `collation ${quoteIdentifier(c.collname)}`;
    }
    default:
      return `object ${o.objectId} of catalog ${o.classId}`;
  }
}
