-- The main views of the information schema. Written for pgts: names, types and order of the columns are PostgreSQL 18's (and the
-- SQL standard's). Statements end with ";" at the end of a line.

create schema information_schema;

grant usage on schema information_schema to public;

create domain information_schema.cardinal_number as integer
  constraint cardinal_number_domain_check check (value >= 0);

create domain information_schema.character_data as character varying collate "C";

create domain information_schema.sql_identifier as name;

create domain information_schema.time_stamp as timestamp(2) with time zone default current_timestamp(2);

create domain information_schema.yes_or_no as character varying(3) collate "C"
  constraint yes_or_no_check check (value in ('YES', 'NO'));

create view information_schema.information_schema_catalog_name as
select current_database()::information_schema.sql_identifier as catalog_name;

create view information_schema.applicable_roles as
select (a.rolname)::information_schema.sql_identifier as grantee,
       (b.rolname)::information_schema.sql_identifier as role_name,
       (case when m.admin_option then 'YES' else 'NO' end)::information_schema.yes_or_no as is_grantable
  from (select member, roleid, bool_or(admin_option) as admin_option from pg_catalog.pg_auth_members
         group by member, roleid
        union
        select datdba, (select oid from pg_catalog.pg_authid where rolname = 'pg_database_owner'), false
          from pg_catalog.pg_database where datname = current_database()) m
  join pg_catalog.pg_authid a on m.member = a.oid
  join pg_catalog.pg_authid b on m.roleid = b.oid
 where pg_catalog.pg_has_role(a.oid, 'USAGE');

create view information_schema.enabled_roles as
select (a.rolname)::information_schema.sql_identifier as role_name
  from pg_catalog.pg_authid a
 where pg_catalog.pg_has_role(a.oid, 'USAGE');

create view information_schema.schemata as
select current_database()::information_schema.sql_identifier as catalog_name,
       (n.nspname)::information_schema.sql_identifier as schema_name,
       (u.rolname)::information_schema.sql_identifier as schema_owner,
       null::information_schema.sql_identifier as default_character_set_catalog,
       null::information_schema.sql_identifier as default_character_set_schema,
       null::information_schema.sql_identifier as default_character_set_name,
       null::information_schema.character_data as sql_path
  from pg_catalog.pg_namespace n
  join pg_catalog.pg_authid u on n.nspowner = u.oid
 where pg_catalog.pg_has_role(n.nspowner, 'USAGE') or pg_catalog.has_schema_privilege(n.oid, 'CREATE, USAGE');

create view information_schema.tables as
select current_database()::information_schema.sql_identifier as table_catalog,
       (n.nspname)::information_schema.sql_identifier as table_schema,
       (c.relname)::information_schema.sql_identifier as table_name,
       (case when pg_catalog.pg_is_other_temp_schema(n.oid) or n.oid = pg_catalog.pg_my_temp_schema() then 'LOCAL TEMPORARY' when c.relkind in ('r', 'p') then 'BASE TABLE' when c.relkind = 'v' then 'VIEW' when c.relkind = 'f' then 'FOREIGN' end)::information_schema.character_data as table_type,
       null::information_schema.sql_identifier as self_referencing_column_name,
       null::information_schema.character_data as reference_generation,
       (case when t.typname is not null then current_database() end)::information_schema.sql_identifier as user_defined_type_catalog,
       (nt.nspname)::information_schema.sql_identifier as user_defined_type_schema,
       (t.typname)::information_schema.sql_identifier as user_defined_type_name,
       (case when c.relkind in ('r', 'p') or (c.relkind in ('v', 'f') and pg_catalog.pg_relation_is_updatable(c.oid, false) & 8 = 8) then 'YES' else 'NO' end)::information_schema.yes_or_no as is_insertable_into,
       (case when t.typname is not null then 'YES' else 'NO' end)::information_schema.yes_or_no as is_typed,
       null::information_schema.character_data as commit_action
  from pg_catalog.pg_namespace n
  join pg_catalog.pg_class c on n.oid = c.relnamespace
  left join (pg_catalog.pg_type t join pg_catalog.pg_namespace nt on t.typnamespace = nt.oid) on c.reloftype = t.oid
 where c.relkind in ('r', 'v', 'f', 'p') and not pg_catalog.pg_is_other_temp_schema(n.oid)
   and (pg_catalog.pg_has_role(c.relowner, 'USAGE') or pg_catalog.has_table_privilege(c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')
        or pg_catalog.has_any_column_privilege(c.oid, 'SELECT, INSERT, UPDATE, REFERENCES'));

create view information_schema.columns as
select current_database()::information_schema.sql_identifier as table_catalog,
       (nc.nspname)::information_schema.sql_identifier as table_schema,
       (c.relname)::information_schema.sql_identifier as table_name,
       (a.attname)::information_schema.sql_identifier as column_name,
       (a.attnum)::information_schema.cardinal_number as ordinal_position,
       (case when a.attgenerated = '' then pg_catalog.pg_get_expr(ad.adbin, ad.adrelid) end)::information_schema.character_data as column_default,
       (case when not (a.attnotnull or (t.typtype = 'd' and t.typnotnull)) then 'YES' else 'NO' end)::information_schema.yes_or_no as is_nullable,
       (case when t.typtype = 'd' then case when bt.typelem <> 0 and bt.typlen = -1 then 'ARRAY' when nbt.nspname = 'pg_catalog' then pg_catalog.format_type(t.typbasetype, null) else 'USER-DEFINED' end else case when t.typelem <> 0 and t.typlen = -1 then 'ARRAY' when nt.nspname = 'pg_catalog' then pg_catalog.format_type(a.atttypid, null) else 'USER-DEFINED' end end)::information_schema.character_data as data_type,
       (case when x.typmod = -1 then null when x.typid in (1042, 1043) then x.typmod - 4 when x.typid in (1560, 1562) then x.typmod end)::information_schema.cardinal_number as character_maximum_length,
       (case when x.typid in (25, 1042, 1043) then case when x.typmod = -1 then 1073741824 else (x.typmod - 4) * pg_catalog.pg_encoding_max_length((select encoding from pg_catalog.pg_database where datname = current_database())) end end)::information_schema.cardinal_number as character_octet_length,
       (case x.typid when 21 then 16 when 23 then 32 when 20 then 64 when 1700 then case when x.typmod = -1 then null else ((x.typmod - 4) >> 16) & 65535 end when 700 then 24 when 701 then 53 end)::information_schema.cardinal_number as numeric_precision,
       (case when x.typid in (20, 21, 23, 700, 701) then 2 when x.typid = 1700 then 10 end)::information_schema.cardinal_number as numeric_precision_radix,
       (case when x.typid in (20, 21, 23) then 0 when x.typid = 1700 then case when x.typmod = -1 then null else (x.typmod - 4) & 65535 end end)::information_schema.cardinal_number as numeric_scale,
       (case when x.typid = 1082 then 0 when x.typid in (1083, 1114, 1184, 1266) then case when x.typmod < 0 then 6 else x.typmod end when x.typid = 1186 then case when x.typmod < 0 or x.typmod & 65535 = 65535 then 6 else x.typmod & 65535 end end)::information_schema.cardinal_number as datetime_precision,
       (case when x.typid = 1186 then pg_catalog.upper(pg_catalog.substring(pg_catalog.format_type(x.typid, x.typmod), 'interval[()0-9]* (.+)')) end)::information_schema.character_data as interval_type,
       null::information_schema.cardinal_number as interval_precision,
       null::information_schema.sql_identifier as character_set_catalog,
       null::information_schema.sql_identifier as character_set_schema,
       null::information_schema.sql_identifier as character_set_name,
       (case when nco.nspname is not null then current_database() end)::information_schema.sql_identifier as collation_catalog,
       (nco.nspname)::information_schema.sql_identifier as collation_schema,
       (co.collname)::information_schema.sql_identifier as collation_name,
       (case when t.typtype = 'd' then current_database() end)::information_schema.sql_identifier as domain_catalog,
       (case when t.typtype = 'd' then nt.nspname end)::information_schema.sql_identifier as domain_schema,
       (case when t.typtype = 'd' then t.typname end)::information_schema.sql_identifier as domain_name,
       current_database()::information_schema.sql_identifier as udt_catalog,
       (coalesce(nbt.nspname, nt.nspname))::information_schema.sql_identifier as udt_schema,
       (coalesce(bt.typname, t.typname))::information_schema.sql_identifier as udt_name,
       null::information_schema.sql_identifier as scope_catalog,
       null::information_schema.sql_identifier as scope_schema,
       null::information_schema.sql_identifier as scope_name,
       null::information_schema.cardinal_number as maximum_cardinality,
       (a.attnum)::information_schema.sql_identifier as dtd_identifier,
       'NO'::information_schema.yes_or_no as is_self_referencing,
       (case when a.attidentity in ('a', 'd') then 'YES' else 'NO' end)::information_schema.yes_or_no as is_identity,
       (case a.attidentity when 'a' then 'ALWAYS' when 'd' then 'BY DEFAULT' end)::information_schema.character_data as identity_generation,
       (sq.seqstart)::information_schema.character_data as identity_start,
       (sq.seqincrement)::information_schema.character_data as identity_increment,
       (sq.seqmax)::information_schema.character_data as identity_maximum,
       (sq.seqmin)::information_schema.character_data as identity_minimum,
       (case when sq.seqcycle then 'YES' else 'NO' end)::information_schema.yes_or_no as identity_cycle,
       (case when a.attgenerated <> '' then 'ALWAYS' else 'NEVER' end)::information_schema.character_data as is_generated,
       (case when a.attgenerated <> '' then pg_catalog.pg_get_expr(ad.adbin, ad.adrelid) end)::information_schema.character_data as generation_expression,
       (case when c.relkind in ('r', 'p') or (c.relkind in ('v', 'f') and pg_catalog.pg_column_is_updatable(c.oid, a.attnum, false)) then 'YES' else 'NO' end)::information_schema.yes_or_no as is_updatable
  from pg_catalog.pg_attribute a
  left join pg_catalog.pg_attrdef ad on a.attrelid = ad.adrelid and a.attnum = ad.adnum
  join (pg_catalog.pg_class c join pg_catalog.pg_namespace nc on c.relnamespace = nc.oid) on a.attrelid = c.oid
  join (pg_catalog.pg_type t join pg_catalog.pg_namespace nt on t.typnamespace = nt.oid) on a.atttypid = t.oid
  cross join lateral (select case when t.typtype = 'd' then t.typbasetype else a.atttypid end as typid, case when t.typtype = 'd' then t.typtypmod else a.atttypmod end as typmod) x
  left join (pg_catalog.pg_type bt join pg_catalog.pg_namespace nbt on bt.typnamespace = nbt.oid)
    on t.typtype = 'd' and t.typbasetype = bt.oid
  left join (pg_catalog.pg_collation co join pg_catalog.pg_namespace nco on co.collnamespace = nco.oid)
    on a.attcollation = co.oid and (nco.nspname, co.collname) <> ('pg_catalog', 'default')
  left join (pg_catalog.pg_depend dep join pg_catalog.pg_sequence sq
               on dep.classid = 'pg_catalog.pg_class'::regclass and dep.objid = sq.seqrelid and dep.deptype = 'i')
    on dep.refclassid = 'pg_catalog.pg_class'::regclass and dep.refobjid = c.oid and dep.refobjsubid = a.attnum
 where not pg_catalog.pg_is_other_temp_schema(nc.oid) and a.attnum > 0 and not a.attisdropped
   and c.relkind in ('r', 'v', 'f', 'p')
   and (pg_catalog.pg_has_role(c.relowner, 'USAGE')
        or pg_catalog.has_column_privilege(c.oid, a.attnum, 'SELECT, INSERT, UPDATE, REFERENCES'));

create view information_schema.check_constraints as
select current_database()::information_schema.sql_identifier as constraint_catalog,
       (n.nspname)::information_schema.sql_identifier as constraint_schema,
       (k.conname)::information_schema.sql_identifier as constraint_name,
       (case k.contype when 'c' then pg_catalog.pg_get_expr(k.conbin, k.conrelid) else (select pg_catalog.format('%s IS NOT NULL', coalesce(a.attname, 'VALUE')) from (select 1) one left join pg_catalog.pg_attribute a on a.attrelid = k.conrelid and a.attnum = k.conkey[1]) end)::information_schema.character_data as check_clause
  from pg_catalog.pg_constraint k
  join pg_catalog.pg_namespace n on n.oid = k.connamespace
  left join pg_catalog.pg_class c on c.oid = k.conrelid
  left join pg_catalog.pg_type t on t.oid = k.contypid
 where pg_catalog.pg_has_role(coalesce(c.relowner, t.typowner), 'USAGE') and k.contype in ('c', 'n');

create view information_schema.constraint_column_usage as
select current_database()::information_schema.sql_identifier as table_catalog,
       (u.nspname)::information_schema.sql_identifier as table_schema,
       (u.relname)::information_schema.sql_identifier as table_name,
       (u.attname)::information_schema.sql_identifier as column_name,
       current_database()::information_schema.sql_identifier as constraint_catalog,
       (u.cnsp)::information_schema.sql_identifier as constraint_schema,
       (u.conname)::information_schema.sql_identifier as constraint_name
  from (select distinct r.relowner, nr.nspname, r.relname, a.attname, nk.nspname as cnsp, k.conname
          from pg_catalog.pg_constraint k
          join pg_catalog.pg_namespace nk on nk.oid = k.connamespace
          join pg_catalog.pg_depend d on d.classid = 'pg_catalog.pg_constraint'::regclass and d.objid = k.oid
               and d.refclassid = 'pg_catalog.pg_class'::regclass
          join pg_catalog.pg_class r on r.oid = d.refobjid
          join pg_catalog.pg_namespace nr on nr.oid = r.relnamespace
          join pg_catalog.pg_attribute a on a.attrelid = r.oid and a.attnum = d.refobjsubid
         where k.contype = 'c' and r.relkind in ('r', 'p') and not a.attisdropped
        union all
        select r.relowner, nr.nspname, r.relname, a.attname, nk.nspname, k.conname
          from pg_catalog.pg_constraint k
          join pg_catalog.pg_namespace nk on nk.oid = k.connamespace
          join pg_catalog.pg_class r on r.oid = case k.contype when 'f' then k.confrelid else k.conrelid end
          join pg_catalog.pg_namespace nr on nr.oid = r.relnamespace
          join pg_catalog.pg_attribute a on a.attrelid = r.oid
               and a.attnum = any (case k.contype when 'f' then k.confkey else k.conkey end)
         where not a.attisdropped and k.contype in ('p', 'u', 'f', 'n') and r.relkind in ('r', 'p')) u
 where pg_catalog.pg_has_role(u.relowner, 'USAGE');

create view information_schema.constraint_table_usage as
select current_database()::information_schema.sql_identifier as table_catalog,
       (nr.nspname)::information_schema.sql_identifier as table_schema,
       (r.relname)::information_schema.sql_identifier as table_name,
       current_database()::information_schema.sql_identifier as constraint_catalog,
       (nk.nspname)::information_schema.sql_identifier as constraint_schema,
       (k.conname)::information_schema.sql_identifier as constraint_name
  from pg_catalog.pg_constraint k
  join pg_catalog.pg_namespace nk on nk.oid = k.connamespace
  join pg_catalog.pg_class r on r.oid = case k.contype when 'f' then k.confrelid else k.conrelid end
  join pg_catalog.pg_namespace nr on nr.oid = r.relnamespace
 where k.contype in ('f', 'p', 'u') and r.relkind in ('r', 'p') and pg_catalog.pg_has_role(r.relowner, 'USAGE');

create view information_schema.domains as
select current_database()::information_schema.sql_identifier as domain_catalog,
       (nt.nspname)::information_schema.sql_identifier as domain_schema,
       (t.typname)::information_schema.sql_identifier as domain_name,
       (case when t.typelem <> 0 and t.typlen = -1 then 'ARRAY' when nbt.nspname = 'pg_catalog' then pg_catalog.format_type(t.typbasetype, null) else 'USER-DEFINED' end)::information_schema.character_data as data_type,
       (case when t.typtypmod = -1 then null when t.typbasetype in (1042, 1043) then t.typtypmod - 4 when t.typbasetype in (1560, 1562) then t.typtypmod end)::information_schema.cardinal_number as character_maximum_length,
       (case when t.typbasetype in (25, 1042, 1043) then case when t.typtypmod = -1 then 1073741824 else (t.typtypmod - 4) * pg_catalog.pg_encoding_max_length((select encoding from pg_catalog.pg_database where datname = current_database())) end end)::information_schema.cardinal_number as character_octet_length,
       null::information_schema.sql_identifier as character_set_catalog,
       null::information_schema.sql_identifier as character_set_schema,
       null::information_schema.sql_identifier as character_set_name,
       (case when nco.nspname is not null then current_database() end)::information_schema.sql_identifier as collation_catalog,
       (nco.nspname)::information_schema.sql_identifier as collation_schema,
       (co.collname)::information_schema.sql_identifier as collation_name,
       (case t.typbasetype when 21 then 16 when 23 then 32 when 20 then 64 when 1700 then case when t.typtypmod = -1 then null else ((t.typtypmod - 4) >> 16) & 65535 end when 700 then 24 when 701 then 53 end)::information_schema.cardinal_number as numeric_precision,
       (case when t.typbasetype in (20, 21, 23, 700, 701) then 2 when t.typbasetype = 1700 then 10 end)::information_schema.cardinal_number as numeric_precision_radix,
       (case when t.typbasetype in (20, 21, 23) then 0 when t.typbasetype = 1700 then case when t.typtypmod = -1 then null else (t.typtypmod - 4) & 65535 end end)::information_schema.cardinal_number as numeric_scale,
       (case when t.typbasetype = 1082 then 0 when t.typbasetype in (1083, 1114, 1184, 1266) then case when t.typtypmod < 0 then 6 else t.typtypmod end when t.typbasetype = 1186 then case when t.typtypmod < 0 or t.typtypmod & 65535 = 65535 then 6 else t.typtypmod & 65535 end end)::information_schema.cardinal_number as datetime_precision,
       (case when t.typbasetype = 1186 then pg_catalog.upper(pg_catalog.substring(pg_catalog.format_type(t.typbasetype, t.typtypmod), 'interval[()0-9]* (.+)')) end)::information_schema.character_data as interval_type,
       null::information_schema.cardinal_number as interval_precision,
       (t.typdefault)::information_schema.character_data as domain_default,
       current_database()::information_schema.sql_identifier as udt_catalog,
       (nbt.nspname)::information_schema.sql_identifier as udt_schema,
       (bt.typname)::information_schema.sql_identifier as udt_name,
       null::information_schema.sql_identifier as scope_catalog,
       null::information_schema.sql_identifier as scope_schema,
       null::information_schema.sql_identifier as scope_name,
       null::information_schema.cardinal_number as maximum_cardinality,
       (1)::information_schema.sql_identifier as dtd_identifier
  from pg_catalog.pg_type t
  join pg_catalog.pg_namespace nt on t.typnamespace = nt.oid
  join (pg_catalog.pg_type bt join pg_catalog.pg_namespace nbt on bt.typnamespace = nbt.oid)
    on t.typbasetype = bt.oid and t.typtype = 'd'
  left join (pg_catalog.pg_collation co join pg_catalog.pg_namespace nco on co.collnamespace = nco.oid)
    on t.typcollation = co.oid and (nco.nspname, co.collname) <> ('pg_catalog', 'default')
 where pg_catalog.pg_has_role(t.typowner, 'USAGE') or pg_catalog.has_type_privilege(t.oid, 'USAGE');

create view information_schema.key_column_usage as
select current_database()::information_schema.sql_identifier as constraint_catalog,
       (s.nk)::information_schema.sql_identifier as constraint_schema,
       (s.conname)::information_schema.sql_identifier as constraint_name,
       current_database()::information_schema.sql_identifier as table_catalog,
       (s.nr)::information_schema.sql_identifier as table_schema,
       (s.relname)::information_schema.sql_identifier as table_name,
       (a.attname)::information_schema.sql_identifier as column_name,
       (s.n)::information_schema.cardinal_number as ordinal_position,
       (case when s.contype = 'f' then (select p.n from pg_catalog.pg_index i, pg_catalog.generate_subscripts(i.indkey, 1) with ordinality p(k, n) where i.indexrelid = s.conindid and i.indkey[p.k] = s.confkey[s.n]) end)::information_schema.cardinal_number as position_in_unique_constraint
  from (select r.oid as roid, r.relname, r.relowner, nk.nspname as nk, nr.nspname as nr, k.conname, k.contype, k.conindid,
               k.confkey, k.conkey, pg_catalog.generate_subscripts(k.conkey, 1) as n
          from pg_catalog.pg_constraint k
          join pg_catalog.pg_namespace nk on nk.oid = k.connamespace
          join pg_catalog.pg_class r on r.oid = k.conrelid
          join pg_catalog.pg_namespace nr on nr.oid = r.relnamespace
         where k.contype in ('p', 'u', 'f') and r.relkind in ('r', 'p')
           and not pg_catalog.pg_is_other_temp_schema(nr.oid)) s
  join pg_catalog.pg_attribute a on a.attrelid = s.roid and a.attnum = s.conkey[s.n]
 where not a.attisdropped
   and (pg_catalog.pg_has_role(s.relowner, 'USAGE')
        or pg_catalog.has_column_privilege(s.roid, a.attnum, 'SELECT, INSERT, UPDATE, REFERENCES'));

create view information_schema.parameters as
select current_database()::information_schema.sql_identifier as specific_catalog,
       (s.nspname)::information_schema.sql_identifier as specific_schema,
       (pg_catalog.nameconcatoid(s.proname, s.poid))::information_schema.sql_identifier as specific_name,
       (s.n)::information_schema.cardinal_number as ordinal_position,
       (case when s.proargmodes is null then 'IN' when s.proargmodes[s.n] = 'i' then 'IN' when s.proargmodes[s.n] = 'o' then 'OUT' when s.proargmodes[s.n] = 'b' then 'INOUT' when s.proargmodes[s.n] = 'v' then 'IN' when s.proargmodes[s.n] = 't' then 'OUT' end)::information_schema.character_data as parameter_mode,
       'NO'::information_schema.yes_or_no as is_result,
       'NO'::information_schema.yes_or_no as as_locator,
       (nullif(s.proargnames[s.n], ''))::information_schema.sql_identifier as parameter_name,
       (case when t.typelem <> 0 and t.typlen = -1 then 'ARRAY' when nt.nspname = 'pg_catalog' then pg_catalog.format_type(t.oid, null) else 'USER-DEFINED' end)::information_schema.character_data as data_type,
       null::information_schema.cardinal_number as character_maximum_length,
       null::information_schema.cardinal_number as character_octet_length,
       null::information_schema.sql_identifier as character_set_catalog,
       null::information_schema.sql_identifier as character_set_schema,
       null::information_schema.sql_identifier as character_set_name,
       null::information_schema.sql_identifier as collation_catalog,
       null::information_schema.sql_identifier as collation_schema,
       null::information_schema.sql_identifier as collation_name,
       null::information_schema.cardinal_number as numeric_precision,
       null::information_schema.cardinal_number as numeric_precision_radix,
       null::information_schema.cardinal_number as numeric_scale,
       null::information_schema.cardinal_number as datetime_precision,
       null::information_schema.character_data as interval_type,
       null::information_schema.cardinal_number as interval_precision,
       current_database()::information_schema.sql_identifier as udt_catalog,
       (nt.nspname)::information_schema.sql_identifier as udt_schema,
       (t.typname)::information_schema.sql_identifier as udt_name,
       null::information_schema.sql_identifier as scope_catalog,
       null::information_schema.sql_identifier as scope_schema,
       null::information_schema.sql_identifier as scope_name,
       null::information_schema.cardinal_number as maximum_cardinality,
       (s.n)::information_schema.sql_identifier as dtd_identifier,
       (case when pg_catalog.pg_has_role(s.proowner, 'USAGE') then pg_catalog.pg_get_function_arg_default(s.poid, s.n) end)::information_schema.character_data as parameter_default
  from (select n.nspname, p.proname, p.oid as poid, p.proowner, p.proargnames, p.proargmodes,
               coalesce(p.proallargtypes, p.proargtypes::oid[]) as types,
               pg_catalog.generate_series(1, coalesce(pg_catalog.array_length(p.proallargtypes, 1), p.pronargs)) as n,
               p.proallargtypes is null as plain
          from pg_catalog.pg_namespace n
          join pg_catalog.pg_proc p on n.oid = p.pronamespace
         where pg_catalog.pg_has_role(p.proowner, 'USAGE') or pg_catalog.has_function_privilege(p.oid, 'EXECUTE')) s
  join (pg_catalog.pg_type t join pg_catalog.pg_namespace nt on t.typnamespace = nt.oid)
    on t.oid = s.types[case when s.plain then s.n - 1 else s.n end];

create view information_schema.referential_constraints as
select current_database()::information_schema.sql_identifier as constraint_catalog,
       (n.nspname)::information_schema.sql_identifier as constraint_schema,
       (k.conname)::information_schema.sql_identifier as constraint_name,
       (case when pn.nspname is not null then current_database() end)::information_schema.sql_identifier as unique_constraint_catalog,
       (pn.nspname)::information_schema.sql_identifier as unique_constraint_schema,
       (pk.conname)::information_schema.sql_identifier as unique_constraint_name,
       (case k.confmatchtype when 'f' then 'FULL' when 'p' then 'PARTIAL' when 's' then 'NONE' end)::information_schema.character_data as match_option,
       (case k.confupdtype when 'c' then 'CASCADE' when 'n' then 'SET NULL' when 'd' then 'SET DEFAULT' when 'r' then 'RESTRICT' when 'a' then 'NO ACTION' end)::information_schema.character_data as update_rule,
       (case k.confdeltype when 'c' then 'CASCADE' when 'n' then 'SET NULL' when 'd' then 'SET DEFAULT' when 'r' then 'RESTRICT' when 'a' then 'NO ACTION' end)::information_schema.character_data as delete_rule
  from pg_catalog.pg_constraint k
  join pg_catalog.pg_namespace n on n.oid = k.connamespace
  join pg_catalog.pg_class c on c.oid = k.conrelid
  left join pg_catalog.pg_constraint pk on pk.conindid = k.conindid and pk.conrelid = k.confrelid and pk.contype in ('p', 'u')
  left join pg_catalog.pg_namespace pn on pn.oid = pk.connamespace
 where k.contype = 'f'
   and (pg_catalog.pg_has_role(c.relowner, 'USAGE')
        or pg_catalog.has_table_privilege(c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')
        or pg_catalog.has_any_column_privilege(c.oid, 'INSERT, UPDATE, REFERENCES'));

create view information_schema.routines as
select current_database()::information_schema.sql_identifier as specific_catalog,
       (n.nspname)::information_schema.sql_identifier as specific_schema,
       (pg_catalog.nameconcatoid(p.proname, p.oid))::information_schema.sql_identifier as specific_name,
       current_database()::information_schema.sql_identifier as routine_catalog,
       (n.nspname)::information_schema.sql_identifier as routine_schema,
       (p.proname)::information_schema.sql_identifier as routine_name,
       (case p.prokind when 'f' then 'FUNCTION' when 'p' then 'PROCEDURE' end)::information_schema.character_data as routine_type,
       null::information_schema.sql_identifier as module_catalog,
       null::information_schema.sql_identifier as module_schema,
       null::information_schema.sql_identifier as module_name,
       null::information_schema.sql_identifier as udt_catalog,
       null::information_schema.sql_identifier as udt_schema,
       null::information_schema.sql_identifier as udt_name,
       (case when p.prokind = 'p' then null when t.typelem <> 0 and t.typlen = -1 then 'ARRAY' when nt.nspname = 'pg_catalog' then pg_catalog.format_type(t.oid, null) else 'USER-DEFINED' end)::information_schema.character_data as data_type,
       null::information_schema.cardinal_number as character_maximum_length,
       null::information_schema.cardinal_number as character_octet_length,
       null::information_schema.sql_identifier as character_set_catalog,
       null::information_schema.sql_identifier as character_set_schema,
       null::information_schema.sql_identifier as character_set_name,
       null::information_schema.sql_identifier as collation_catalog,
       null::information_schema.sql_identifier as collation_schema,
       null::information_schema.sql_identifier as collation_name,
       null::information_schema.cardinal_number as numeric_precision,
       null::information_schema.cardinal_number as numeric_precision_radix,
       null::information_schema.cardinal_number as numeric_scale,
       null::information_schema.cardinal_number as datetime_precision,
       null::information_schema.character_data as interval_type,
       null::information_schema.cardinal_number as interval_precision,
       (case when nt.nspname is not null then current_database() end)::information_schema.sql_identifier as type_udt_catalog,
       (nt.nspname)::information_schema.sql_identifier as type_udt_schema,
       (t.typname)::information_schema.sql_identifier as type_udt_name,
       null::information_schema.sql_identifier as scope_catalog,
       null::information_schema.sql_identifier as scope_schema,
       null::information_schema.sql_identifier as scope_name,
       null::information_schema.cardinal_number as maximum_cardinality,
       (case when p.prokind <> 'p' then 0 end)::information_schema.sql_identifier as dtd_identifier,
       (case when l.lanname = 'sql' then 'SQL' else 'EXTERNAL' end)::information_schema.character_data as routine_body,
       (case when pg_catalog.pg_has_role(p.proowner, 'USAGE') then p.prosrc end)::information_schema.character_data as routine_definition,
       (case when l.lanname = 'c' then p.prosrc end)::information_schema.character_data as external_name,
       (pg_catalog.upper(l.lanname))::information_schema.character_data as external_language,
       ('GENERAL')::information_schema.character_data as parameter_style,
       (case when p.provolatile = 'i' then 'YES' else 'NO' end)::information_schema.yes_or_no as is_deterministic,
       ('MODIFIES')::information_schema.character_data as sql_data_access,
       (case when p.prokind <> 'p' then case when p.proisstrict then 'YES' else 'NO' end end)::information_schema.yes_or_no as is_null_call,
       null::information_schema.character_data as sql_path,
       'YES'::information_schema.yes_or_no as schema_level_routine,
       (0)::information_schema.cardinal_number as max_dynamic_result_sets,
       null::information_schema.yes_or_no as is_user_defined_cast,
       null::information_schema.yes_or_no as is_implicitly_invocable,
       (case when p.prosecdef then 'DEFINER' else 'INVOKER' end)::information_schema.character_data as security_type,
       null::information_schema.sql_identifier as to_sql_specific_catalog,
       null::information_schema.sql_identifier as to_sql_specific_schema,
       null::information_schema.sql_identifier as to_sql_specific_name,
       'NO'::information_schema.yes_or_no as as_locator,
       null::information_schema.time_stamp as created,
       null::information_schema.time_stamp as last_altered,
       null::information_schema.yes_or_no as new_savepoint_level,
       'NO'::information_schema.yes_or_no as is_udt_dependent,
       null::information_schema.character_data as result_cast_from_data_type,
       null::information_schema.yes_or_no as result_cast_as_locator,
       null::information_schema.cardinal_number as result_cast_char_max_length,
       null::information_schema.cardinal_number as result_cast_char_octet_length,
       null::information_schema.sql_identifier as result_cast_char_set_catalog,
       null::information_schema.sql_identifier as result_cast_char_set_schema,
       null::information_schema.sql_identifier as result_cast_char_set_name,
       null::information_schema.sql_identifier as result_cast_collation_catalog,
       null::information_schema.sql_identifier as result_cast_collation_schema,
       null::information_schema.sql_identifier as result_cast_collation_name,
       null::information_schema.cardinal_number as result_cast_numeric_precision,
       null::information_schema.cardinal_number as result_cast_numeric_precision_radix,
       null::information_schema.cardinal_number as result_cast_numeric_scale,
       null::information_schema.cardinal_number as result_cast_datetime_precision,
       null::information_schema.character_data as result_cast_interval_type,
       null::information_schema.cardinal_number as result_cast_interval_precision,
       null::information_schema.sql_identifier as result_cast_type_udt_catalog,
       null::information_schema.sql_identifier as result_cast_type_udt_schema,
       null::information_schema.sql_identifier as result_cast_type_udt_name,
       null::information_schema.sql_identifier as result_cast_scope_catalog,
       null::information_schema.sql_identifier as result_cast_scope_schema,
       null::information_schema.sql_identifier as result_cast_scope_name,
       null::information_schema.cardinal_number as result_cast_maximum_cardinality,
       null::information_schema.sql_identifier as result_cast_dtd_identifier
  from pg_catalog.pg_namespace n
  join pg_catalog.pg_proc p on n.oid = p.pronamespace
  join pg_catalog.pg_language l on p.prolang = l.oid
  left join (pg_catalog.pg_type t join pg_catalog.pg_namespace nt on t.typnamespace = nt.oid)
    on p.prorettype = t.oid and p.prokind <> 'p'
 where pg_catalog.pg_has_role(p.proowner, 'USAGE') or pg_catalog.has_function_privilege(p.oid, 'EXECUTE');

create view information_schema.sequences as
select current_database()::information_schema.sql_identifier as sequence_catalog,
       (n.nspname)::information_schema.sql_identifier as sequence_schema,
       (c.relname)::information_schema.sql_identifier as sequence_name,
       (pg_catalog.format_type(s.seqtypid, null))::information_schema.character_data as data_type,
       (case s.seqtypid when 21 then 16 when 23 then 32 when 20 then 64 when 1700 then case when -1 = -1 then null else ((-1 - 4) >> 16) & 65535 end when 700 then 24 when 701 then 53 end)::information_schema.cardinal_number as numeric_precision,
       (2)::information_schema.cardinal_number as numeric_precision_radix,
       (0)::information_schema.cardinal_number as numeric_scale,
       (s.seqstart)::information_schema.character_data as start_value,
       (s.seqmin)::information_schema.character_data as minimum_value,
       (s.seqmax)::information_schema.character_data as maximum_value,
       (s.seqincrement)::information_schema.character_data as increment,
       (case when s.seqcycle then 'YES' else 'NO' end)::information_schema.yes_or_no as cycle_option
  from pg_catalog.pg_namespace n
  join pg_catalog.pg_class c on c.relnamespace = n.oid
  join pg_catalog.pg_sequence s on c.oid = s.seqrelid
 where c.relkind = 'S' and not pg_catalog.pg_is_other_temp_schema(n.oid)
   and not exists (select 1 from pg_catalog.pg_depend d
                    where d.classid = 'pg_catalog.pg_class'::regclass and d.objid = c.oid and d.deptype = 'i')
   and (pg_catalog.pg_has_role(c.relowner, 'USAGE')
        or pg_catalog.has_sequence_privilege(c.oid, 'SELECT, UPDATE, USAGE'));

create view information_schema.table_constraints as
select current_database()::information_schema.sql_identifier as constraint_catalog,
       (nk.nspname)::information_schema.sql_identifier as constraint_schema,
       (k.conname)::information_schema.sql_identifier as constraint_name,
       current_database()::information_schema.sql_identifier as table_catalog,
       (nr.nspname)::information_schema.sql_identifier as table_schema,
       (r.relname)::information_schema.sql_identifier as table_name,
       (case k.contype when 'c' then 'CHECK' when 'n' then 'CHECK' when 'f' then 'FOREIGN KEY' when 'p' then 'PRIMARY KEY' when 'u' then 'UNIQUE' end)::information_schema.character_data as constraint_type,
       (case when k.condeferrable then 'YES' else 'NO' end)::information_schema.yes_or_no as is_deferrable,
       (case when k.condeferred then 'YES' else 'NO' end)::information_schema.yes_or_no as initially_deferred,
       (case when k.conenforced then 'YES' else 'NO' end)::information_schema.yes_or_no as enforced,
       (case when k.contype = 'u' then case when (select not i.indnullsnotdistinct from pg_catalog.pg_index i where i.indexrelid = k.conindid) then 'YES' else 'NO' end end)::information_schema.yes_or_no as nulls_distinct
  from pg_catalog.pg_constraint k
  join pg_catalog.pg_namespace nk on nk.oid = k.connamespace
  join pg_catalog.pg_class r on r.oid = k.conrelid
  join pg_catalog.pg_namespace nr on nr.oid = r.relnamespace
 where k.contype not in ('t', 'x') and r.relkind in ('r', 'p') and not pg_catalog.pg_is_other_temp_schema(nr.oid)
   and (pg_catalog.pg_has_role(r.relowner, 'USAGE')
        or pg_catalog.has_table_privilege(r.oid, 'INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')
        or pg_catalog.has_any_column_privilege(r.oid, 'INSERT, UPDATE, REFERENCES'));

create view information_schema.table_privileges as
select (g.rolname)::information_schema.sql_identifier as grantor,
       (e.rolname)::information_schema.sql_identifier as grantee,
       current_database()::information_schema.sql_identifier as table_catalog,
       (n.nspname)::information_schema.sql_identifier as table_schema,
       (c.relname)::information_schema.sql_identifier as table_name,
       (x.privilege_type)::information_schema.character_data as privilege_type,
       (case when pg_catalog.pg_has_role(e.oid, c.relowner, 'USAGE') or x.is_grantable then 'YES' else 'NO' end)::information_schema.yes_or_no as is_grantable,
       (case when x.privilege_type = 'SELECT' then 'YES' else 'NO' end)::information_schema.yes_or_no as with_hierarchy
  from pg_catalog.pg_class c
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  cross join lateral pg_catalog.aclexplode(coalesce(c.relacl, pg_catalog.acldefault('r', c.relowner))) x
  join pg_catalog.pg_authid g on g.oid = x.grantor
  join (select oid, rolname from pg_catalog.pg_authid union all select 0::oid, 'PUBLIC') e on e.oid = x.grantee
 where c.relkind in ('r', 'v', 'f', 'p') and x.privilege_type in ('INSERT', 'SELECT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER')
   and (pg_catalog.pg_has_role(g.oid, 'USAGE') or pg_catalog.pg_has_role(e.oid, 'USAGE') or e.rolname = 'PUBLIC');

create view information_schema.role_table_grants as
select grantor,
       grantee,
       table_catalog,
       table_schema,
       table_name,
       privilege_type,
       is_grantable,
       with_hierarchy
  from information_schema.table_privileges
 where grantor in (select role_name from information_schema.enabled_roles)
    or grantee in (select role_name from information_schema.enabled_roles);

create view information_schema.views as
select current_database()::information_schema.sql_identifier as table_catalog,
       (n.nspname)::information_schema.sql_identifier as table_schema,
       (c.relname)::information_schema.sql_identifier as table_name,
       (case when pg_catalog.pg_has_role(c.relowner, 'USAGE') then pg_catalog.pg_get_viewdef(c.oid) end)::information_schema.character_data as view_definition,
       (case when 'check_option=cascaded' = any (c.reloptions) then 'CASCADED' when 'check_option=local' = any (c.reloptions) then 'LOCAL' else 'NONE' end)::information_schema.character_data as check_option,
       (case when pg_catalog.pg_relation_is_updatable(c.oid, false) & 20 = 20 then 'YES' else 'NO' end)::information_schema.yes_or_no as is_updatable,
       (case when pg_catalog.pg_relation_is_updatable(c.oid, false) & 8 = 8 then 'YES' else 'NO' end)::information_schema.yes_or_no as is_insertable_into,
       (case when exists (select 1 from pg_catalog.pg_trigger g where g.tgrelid = c.oid and g.tgtype & 81 = 81) then 'YES' else 'NO' end)::information_schema.yes_or_no as is_trigger_updatable,
       (case when exists (select 1 from pg_catalog.pg_trigger g where g.tgrelid = c.oid and g.tgtype & 73 = 73) then 'YES' else 'NO' end)::information_schema.yes_or_no as is_trigger_deletable,
       (case when exists (select 1 from pg_catalog.pg_trigger g where g.tgrelid = c.oid and g.tgtype & 69 = 69) then 'YES' else 'NO' end)::information_schema.yes_or_no as is_trigger_insertable_into
  from pg_catalog.pg_namespace n
  join pg_catalog.pg_class c on n.oid = c.relnamespace
 where c.relkind = 'v' and not pg_catalog.pg_is_other_temp_schema(n.oid)
   and (pg_catalog.pg_has_role(c.relowner, 'USAGE') or pg_catalog.has_table_privilege(c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')
        or pg_catalog.has_any_column_privilege(c.oid, 'SELECT, INSERT, UPDATE, REFERENCES'));

grant select on information_schema.information_schema_catalog_name,
  information_schema.applicable_roles,
  information_schema.enabled_roles,
  information_schema.schemata,
  information_schema.tables,
  information_schema.columns,
  information_schema.check_constraints,
  information_schema.constraint_column_usage,
  information_schema.constraint_table_usage,
  information_schema.domains,
  information_schema.key_column_usage,
  information_schema.parameters,
  information_schema.referential_constraints,
  information_schema.routines,
  information_schema.sequences,
  information_schema.table_constraints,
  information_schema.table_privileges,
  information_schema.role_table_grants,
  information_schema.views to public;
