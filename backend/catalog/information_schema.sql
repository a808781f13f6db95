-- The information schema. Written for pgts: names, types and order of the columns are PostgreSQL 18's (and the SQL standard's).
-- Statements end with ";" at the end of a line. sql_features and sql_parts have no rows: what they would claim is PostgreSQL's.

create schema information_schema;

grant usage on schema information_schema to public;

set search_path to information_schema;

create function _pg_expandarray(in anyarray, out x anyelement, out n int) returns setof record
  language sql immutable strict parallel safe rows 100
  as 'select u.x, u.n::int from unnest($1) with ordinality as u (x, n)';

create function _pg_index_position(oid, smallint) returns int
  language sql stable strict
  as 'select u.n::int from pg_index i cross join lateral unnest(i.indkey) with ordinality as u (attnum, n)
       where i.indexrelid = $1 and u.attnum = $2';

create function _pg_truetypid(pg_attribute, pg_type) returns oid
  language sql immutable strict parallel safe
  as 'select case when $2.typtype = ''d'' then $2.typbasetype else $1.atttypid end';

create function _pg_truetypmod(pg_attribute, pg_type) returns int4
  language sql immutable strict parallel safe
  as 'select case when $2.typtype = ''d'' then $2.typtypmod else $1.atttypmod end';

create function _pg_char_max_length(typid oid, typmod int4) returns integer
  language sql immutable strict parallel safe
  as 'select case when $2 = -1 then null when $1 in (1042, 1043) then $2 - 4 when $1 in (1560, 1562) then $2 end';

create function _pg_char_octet_length(typid oid, typmod int4) returns integer
  language sql immutable strict parallel safe
  as 'select case when $1 not in (25, 1042, 1043) then null when $2 = -1 then 1073741824
                  else ($2 - 4) * pg_encoding_max_length((select encoding from pg_database
                                                           where datname = current_database())) end';

create function _pg_numeric_precision(typid oid, typmod int4) returns integer
  language sql immutable strict parallel safe
  as 'select case $1 when 21 then 16 when 23 then 32 when 20 then 64 when 700 then 24 when 701 then 53
                     when 1700 then case when $2 <> -1 then (($2 - 4) >> 16) & 65535 end end';

create function _pg_numeric_precision_radix(typid oid, typmod int4) returns integer
  language sql immutable strict parallel safe
  as 'select case when $1 in (20, 21, 23, 700, 701) then 2 when $1 = 1700 then 10 end';

create function _pg_numeric_scale(typid oid, typmod int4) returns integer
  language sql immutable strict parallel safe
  as 'select case when $1 in (20, 21, 23) then 0 when $1 = 1700 and $2 <> -1 then ($2 - 4) & 65535 end';

create function _pg_datetime_precision(typid oid, typmod int4) returns integer
  language sql immutable strict parallel safe
  as 'select case when $1 = 1082 then 0
                  when $1 in (1083, 1114, 1184, 1266) then case when $2 < 0 then 6 else $2 end
                  when $1 = 1186 then case when $2 < 0 or $2 & 65535 = 65535 then 6 else $2 & 65535 end end';

create function _pg_interval_type(typid oid, mod int4) returns text
  language sql immutable strict parallel safe
  as 'select case when $1 = 1186
                  then upper(substring(format_type($1, $2), ''interval[()0-9]* (.+)'')) end';

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

create view administrable_role_authorizations as
select grantee, role_name, is_grantable from applicable_roles where is_grantable = 'YES';

create view attributes as
select current_database()::sql_identifier as udt_catalog,
       nc.nspname::sql_identifier as udt_schema,
       c.relname::sql_identifier as udt_name,
       a.attname::sql_identifier as attribute_name,
       a.attnum::cardinal_number as ordinal_position,
       pg_get_expr(ad.adbin, ad.adrelid)::character_data as attribute_default,
       (case when a.attnotnull or (t.typtype = 'd' and t.typnotnull) then 'NO' else 'YES' end)::yes_or_no as is_nullable,
       (case when coalesce(bt.typelem, t.typelem) <> 0 and coalesce(bt.typlen, t.typlen) = -1 then 'ARRAY'
             when coalesce(nbt.nspname, nt.nspname) = 'pg_catalog' then format_type(x.typid, null)
             else 'USER-DEFINED' end)::character_data as data_type,
       _pg_char_max_length(x.typid, x.typmod)::cardinal_number as character_maximum_length,
       _pg_char_octet_length(x.typid, x.typmod)::cardinal_number as character_octet_length,
       null::sql_identifier as character_set_catalog,
       null::sql_identifier as character_set_schema,
       null::sql_identifier as character_set_name,
       (case when nco.nspname is not null then current_database() end)::sql_identifier as collation_catalog,
       nco.nspname::sql_identifier as collation_schema,
       co.collname::sql_identifier as collation_name,
       _pg_numeric_precision(x.typid, x.typmod)::cardinal_number as numeric_precision,
       _pg_numeric_precision_radix(x.typid, x.typmod)::cardinal_number as numeric_precision_radix,
       _pg_numeric_scale(x.typid, x.typmod)::cardinal_number as numeric_scale,
       _pg_datetime_precision(x.typid, x.typmod)::cardinal_number as datetime_precision,
       _pg_interval_type(x.typid, x.typmod)::character_data as interval_type,
       null::cardinal_number as interval_precision,
       current_database()::sql_identifier as attribute_udt_catalog,
       coalesce(nbt.nspname, nt.nspname)::sql_identifier as attribute_udt_schema,
       coalesce(bt.typname, t.typname)::sql_identifier as attribute_udt_name,
       null::sql_identifier as scope_catalog,
       null::sql_identifier as scope_schema,
       null::sql_identifier as scope_name,
       null::cardinal_number as maximum_cardinality,
       a.attnum::sql_identifier as dtd_identifier,
       'NO'::yes_or_no as is_derived_reference_attribute
  from pg_attribute a
  left join pg_attrdef ad on a.attrelid = ad.adrelid and a.attnum = ad.adnum
  join (pg_class c join pg_namespace nc on c.relnamespace = nc.oid) on a.attrelid = c.oid
  join (pg_type t join pg_namespace nt on t.typnamespace = nt.oid) on a.atttypid = t.oid
  cross join lateral (select case when t.typtype = 'd' then t.typbasetype else a.atttypid end as typid,
                             case when t.typtype = 'd' then t.typtypmod else a.atttypmod end as typmod) x
  left join (pg_type bt join pg_namespace nbt on bt.typnamespace = nbt.oid) on t.typtype = 'd' and t.typbasetype = bt.oid
  left join (pg_collation co join pg_namespace nco on co.collnamespace = nco.oid)
    on a.attcollation = co.oid and (nco.nspname, co.collname) <> ('pg_catalog', 'default')
 where a.attnum > 0 and not a.attisdropped and c.relkind = 'c'
   and (pg_has_role(c.relowner, 'USAGE') or has_type_privilege(c.reltype, 'USAGE'));

create view character_sets as
select null::sql_identifier as character_set_catalog,
       null::sql_identifier as character_set_schema,
       getdatabaseencoding()::sql_identifier as character_set_name,
       (case when getdatabaseencoding() = 'UTF8' then 'UCS' else getdatabaseencoding() end)::sql_identifier
         as character_repertoire,
       getdatabaseencoding()::sql_identifier as form_of_use,
       current_database()::sql_identifier as default_collate_catalog,
       co.nspname::sql_identifier as default_collate_schema,
       co.collname::sql_identifier as default_collate_name
  from pg_database d
  left join (select c.collcollate, c.collctype, c.collname, n.nspname
               from pg_collation c join pg_namespace n on n.oid = c.collnamespace) co
    on d.datcollate = co.collcollate and d.datctype = co.collctype
 where d.datname = current_database()
 order by char_length(co.collname) desc, co.collname
 limit 1;

create view check_constraint_routine_usage as
select distinct current_database()::sql_identifier as constraint_catalog,
       nk.nspname::sql_identifier as constraint_schema,
       k.conname::sql_identifier as constraint_name,
       current_database()::sql_identifier as specific_catalog,
       np.nspname::sql_identifier as specific_schema,
       nameconcatoid(p.proname, p.oid)::sql_identifier as specific_name
  from pg_constraint k
  join pg_namespace nk on nk.oid = k.connamespace
  join pg_depend d on d.classid = 'pg_constraint'::regclass and d.objid = k.oid and d.refclassid = 'pg_proc'::regclass
  join pg_proc p on p.oid = d.refobjid
  join pg_namespace np on np.oid = p.pronamespace
 where k.contype = 'c' and pg_has_role(p.proowner, 'USAGE');

create view collations as
select current_database()::sql_identifier as collation_catalog,
       n.nspname::sql_identifier as collation_schema,
       c.collname::sql_identifier as collation_name,
       'NO PAD'::character_data as pad_attribute
  from pg_collation c
  join pg_namespace n on n.oid = c.collnamespace
 where c.collencoding in (-1, (select encoding from pg_database where datname = current_database()));

create view collation_character_set_applicability as
select current_database()::sql_identifier as collation_catalog,
       n.nspname::sql_identifier as collation_schema,
       c.collname::sql_identifier as collation_name,
       null::sql_identifier as character_set_catalog,
       null::sql_identifier as character_set_schema,
       getdatabaseencoding()::sql_identifier as character_set_name
  from pg_collation c
  join pg_namespace n on n.oid = c.collnamespace
 where c.collencoding in (-1, (select encoding from pg_database where datname = current_database()));

create view column_column_usage as
select distinct current_database()::sql_identifier as table_catalog,
       n.nspname::sql_identifier as table_schema,
       c.relname::sql_identifier as table_name,
       used.attname::sql_identifier as column_name,
       a.attname::sql_identifier as dependent_column
  from pg_class c
  join pg_namespace n on n.oid = c.relnamespace
  join pg_attribute a on a.attrelid = c.oid and a.attgenerated <> ''
  join pg_attrdef def on def.adrelid = c.oid and def.adnum = a.attnum
  join pg_depend d on d.classid = 'pg_attrdef'::regclass and d.objid = def.oid
       and d.refclassid = 'pg_class'::regclass and d.refobjid = c.oid
  join pg_attribute used on used.attrelid = c.oid and used.attnum = d.refobjsubid and used.attnum <> a.attnum
 where pg_has_role(c.relowner, 'USAGE');

create view column_domain_usage as
select current_database()::sql_identifier as domain_catalog,
       nt.nspname::sql_identifier as domain_schema,
       t.typname::sql_identifier as domain_name,
       current_database()::sql_identifier as table_catalog,
       nc.nspname::sql_identifier as table_schema,
       c.relname::sql_identifier as table_name,
       a.attname::sql_identifier as column_name
  from pg_type t
  join pg_namespace nt on nt.oid = t.typnamespace
  join pg_attribute a on a.atttypid = t.oid
  join pg_class c on c.oid = a.attrelid
  join pg_namespace nc on nc.oid = c.relnamespace
 where t.typtype = 'd' and c.relkind in ('r', 'v', 'f', 'p') and a.attnum > 0 and not a.attisdropped
   and pg_has_role(t.typowner, 'USAGE');

create view column_udt_usage as
select current_database()::sql_identifier as udt_catalog,
       coalesce(nbt.nspname, nt.nspname)::sql_identifier as udt_schema,
       coalesce(bt.typname, t.typname)::sql_identifier as udt_name,
       current_database()::sql_identifier as table_catalog,
       nc.nspname::sql_identifier as table_schema,
       c.relname::sql_identifier as table_name,
       a.attname::sql_identifier as column_name
  from pg_attribute a
  join pg_class c on c.oid = a.attrelid
  join pg_namespace nc on nc.oid = c.relnamespace
  join (pg_type t join pg_namespace nt on t.typnamespace = nt.oid) on a.atttypid = t.oid
  left join (pg_type bt join pg_namespace nbt on bt.typnamespace = nbt.oid) on t.typtype = 'd' and t.typbasetype = bt.oid
 where a.attnum > 0 and not a.attisdropped and c.relkind in ('r', 'v', 'f', 'p')
   and pg_has_role(coalesce(bt.typowner, t.typowner), 'USAGE');

create view column_privileges as
select g.rolname::sql_identifier as grantor,
       e.rolname::sql_identifier as grantee,
       current_database()::sql_identifier as table_catalog,
       n.nspname::sql_identifier as table_schema,
       x.relname::sql_identifier as table_name,
       x.attname::sql_identifier as column_name,
       x.privilege_type::character_data as privilege_type,
       (case when pg_has_role(x.grantee, x.relowner, 'USAGE') or x.is_grantable then 'YES' else 'NO' end)::yes_or_no
         as is_grantable
  from (select r.grantor, r.grantee, r.privilege_type, r.is_grantable, c.relname, c.relnamespace, c.relowner, a.attname
          from pg_class c
         cross join lateral aclexplode(coalesce(c.relacl, acldefault('r', c.relowner))) r
          join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
         where c.relkind in ('r', 'v', 'f', 'p')
        union
        select r.grantor, r.grantee, r.privilege_type, r.is_grantable, c.relname, c.relnamespace, c.relowner, a.attname
          from pg_class c
          join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
         cross join lateral aclexplode(coalesce(a.attacl, acldefault('c', c.relowner))) r
         where c.relkind in ('r', 'v', 'f', 'p')) x
  join pg_namespace n on n.oid = x.relnamespace
  join pg_authid g on g.oid = x.grantor
  join (select oid, rolname from pg_authid union all select 0::oid, 'PUBLIC') e on e.oid = x.grantee
 where x.privilege_type in ('INSERT', 'SELECT', 'UPDATE', 'REFERENCES')
   and (pg_has_role(g.oid, 'USAGE') or pg_has_role(e.oid, 'USAGE') or e.rolname = 'PUBLIC');

create view data_type_privileges as
select current_database()::sql_identifier as object_catalog,
       x.object_schema, x.object_name, x.object_type::character_data as object_type, x.dtd_identifier
  from (select udt_schema, udt_name, 'USER-DEFINED TYPE'::text, dtd_identifier from attributes
        union all select table_schema, table_name, 'TABLE'::text, dtd_identifier from columns
        union all select domain_schema, domain_name, 'DOMAIN'::text, dtd_identifier from domains
        union all select specific_schema, specific_name, 'ROUTINE'::text, dtd_identifier from parameters
        union all select specific_schema, specific_name, 'ROUTINE'::text, dtd_identifier from routines)
    as x (object_schema, object_name, object_type, dtd_identifier);

create view domain_constraints as
select current_database()::sql_identifier as constraint_catalog,
       nk.nspname::sql_identifier as constraint_schema,
       k.conname::sql_identifier as constraint_name,
       current_database()::sql_identifier as domain_catalog,
       n.nspname::sql_identifier as domain_schema,
       t.typname::sql_identifier as domain_name,
       (case when k.condeferrable then 'YES' else 'NO' end)::yes_or_no as is_deferrable,
       (case when k.condeferred then 'YES' else 'NO' end)::yes_or_no as initially_deferred
  from pg_type t
  join pg_namespace n on n.oid = t.typnamespace
  join pg_constraint k on k.contypid = t.oid
  join pg_namespace nk on nk.oid = k.connamespace
 where pg_has_role(t.typowner, 'USAGE') or has_type_privilege(t.oid, 'USAGE');

create view domain_udt_usage as
select current_database()::sql_identifier as udt_catalog,
       nbt.nspname::sql_identifier as udt_schema,
       bt.typname::sql_identifier as udt_name,
       current_database()::sql_identifier as domain_catalog,
       nt.nspname::sql_identifier as domain_schema,
       t.typname::sql_identifier as domain_name
  from pg_type t
  join pg_namespace nt on nt.oid = t.typnamespace
  join pg_type bt on bt.oid = t.typbasetype
  join pg_namespace nbt on nbt.oid = bt.typnamespace
 where t.typtype = 'd' and pg_has_role(bt.typowner, 'USAGE');

create view element_types as
select current_database()::sql_identifier as object_catalog,
       n.nspname::sql_identifier as object_schema,
       x.objname as object_name,
       x.objtype::character_data as object_type,
       x.dtdid::sql_identifier as collection_type_identifier,
       (case when nbt.nspname = 'pg_catalog' then format_type(bt.oid, null) else 'USER-DEFINED' end)::character_data
         as data_type,
       null::cardinal_number as character_maximum_length,
       null::cardinal_number as character_octet_length,
       null::sql_identifier as character_set_catalog,
       null::sql_identifier as character_set_schema,
       null::sql_identifier as character_set_name,
       (case when nco.nspname is not null then current_database() end)::sql_identifier as collation_catalog,
       nco.nspname::sql_identifier as collation_schema,
       co.collname::sql_identifier as collation_name,
       null::cardinal_number as numeric_precision,
       null::cardinal_number as numeric_precision_radix,
       null::cardinal_number as numeric_scale,
       null::cardinal_number as datetime_precision,
       null::character_data as interval_type,
       null::cardinal_number as interval_precision,
       current_database()::sql_identifier as udt_catalog,
       nbt.nspname::sql_identifier as udt_schema,
       bt.typname::sql_identifier as udt_name,
       null::sql_identifier as scope_catalog,
       null::sql_identifier as scope_schema,
       null::sql_identifier as scope_name,
       null::cardinal_number as maximum_cardinality,
       ('a' || x.dtdid::text)::sql_identifier as dtd_identifier
  from (select c.relnamespace, c.relname::sql_identifier,
               case when c.relkind = 'c' then 'USER-DEFINED TYPE'::text else 'TABLE'::text end,
               a.attnum, a.atttypid, a.attcollation
          from pg_class c join pg_attribute a on c.oid = a.attrelid
         where c.relkind in ('r', 'v', 'f', 'c', 'p') and a.attnum > 0 and not a.attisdropped
        union all
        select typnamespace, typname::sql_identifier, 'DOMAIN'::text, 1, typbasetype, typcollation
          from pg_type where typtype = 'd'
        union all
        select p.pronamespace, nameconcatoid(p.proname, p.oid)::sql_identifier, 'ROUTINE'::text, arg.n::int, arg.typid, 0
          from pg_proc p
         cross join lateral unnest(coalesce(p.proallargtypes, p.proargtypes::oid[])) with ordinality as arg (typid, n)
        union all
        select pronamespace, nameconcatoid(proname, oid)::sql_identifier, 'ROUTINE'::text, 0, prorettype, 0
          from pg_proc) as x (nsp, objname, objtype, dtdid, typid, collid)
  join pg_namespace n on n.oid = x.nsp
  join pg_type at on at.oid = x.typid and at.typelem <> 0 and at.typlen = -1
  join pg_type bt on bt.oid = at.typelem
  join pg_namespace nbt on nbt.oid = bt.typnamespace
  left join (pg_collation co join pg_namespace nco on co.collnamespace = nco.oid)
    on x.collid = co.oid and (nco.nspname, co.collname) <> ('pg_catalog', 'default')
 where (n.nspname, x.objname, x.objtype, x.dtdid::sql_identifier) in
       (select object_schema, object_name, object_type, dtd_identifier from data_type_privileges);

create view _pg_foreign_table_columns as
select n.nspname, c.relname, a.attname, a.attfdwoptions
  from pg_foreign_table t
  join pg_class c on c.oid = t.ftrelid
  join pg_namespace n on n.oid = c.relnamespace
  join pg_attribute a on a.attrelid = c.oid
 where a.attnum > 0 and c.relkind = 'f'
   and (pg_has_role(c.relowner, 'USAGE') or has_column_privilege(c.oid, a.attnum, 'SELECT, INSERT, UPDATE, REFERENCES'));

create view _pg_foreign_data_wrappers as
select w.oid, w.fdwowner, w.fdwoptions,
       current_database()::sql_identifier as foreign_data_wrapper_catalog,
       w.fdwname::sql_identifier as foreign_data_wrapper_name,
       u.rolname::sql_identifier as authorization_identifier,
       'c'::character_data as foreign_data_wrapper_language
  from pg_foreign_data_wrapper w
  join pg_authid u on u.oid = w.fdwowner
 where pg_has_role(w.fdwowner, 'USAGE') or has_foreign_data_wrapper_privilege(w.oid, 'USAGE');

create view _pg_foreign_servers as
select s.oid, s.srvoptions,
       current_database()::sql_identifier as foreign_server_catalog,
       s.srvname::sql_identifier as foreign_server_name,
       current_database()::sql_identifier as foreign_data_wrapper_catalog,
       w.fdwname::sql_identifier as foreign_data_wrapper_name,
       s.srvtype::character_data as foreign_server_type,
       s.srvversion::character_data as foreign_server_version,
       u.rolname::sql_identifier as authorization_identifier
  from pg_foreign_server s
  join pg_foreign_data_wrapper w on w.oid = s.srvfdw
  join pg_authid u on u.oid = s.srvowner
 where pg_has_role(s.srvowner, 'USAGE') or has_server_privilege(s.oid, 'USAGE');

create view _pg_foreign_tables as
select current_database()::sql_identifier as foreign_table_catalog,
       n.nspname::sql_identifier as foreign_table_schema,
       c.relname::sql_identifier as foreign_table_name,
       t.ftoptions,
       current_database()::sql_identifier as foreign_server_catalog,
       s.srvname::sql_identifier as foreign_server_name,
       u.rolname::sql_identifier as authorization_identifier
  from pg_foreign_table t
  join pg_foreign_server s on s.oid = t.ftserver
  join pg_class c on c.oid = t.ftrelid
  join pg_namespace n on n.oid = c.relnamespace
  join pg_authid u on u.oid = c.relowner
 where c.relkind = 'f'
   and (pg_has_role(c.relowner, 'USAGE')
        or has_table_privilege(c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')
        or has_any_column_privilege(c.oid, 'SELECT, INSERT, UPDATE, REFERENCES'));

create view _pg_user_mappings as
select m.oid, m.umoptions, m.umuser,
       coalesce(u.rolname, 'PUBLIC')::sql_identifier as authorization_identifier,
       s.foreign_server_catalog, s.foreign_server_name, s.authorization_identifier as srvowner
  from pg_user_mapping m
  left join pg_authid u on u.oid = m.umuser
  join _pg_foreign_servers s on s.oid = m.umserver;

create view column_options as
select current_database()::sql_identifier as table_catalog,
       c.nspname::sql_identifier as table_schema,
       c.relname::sql_identifier as table_name,
       c.attname::sql_identifier as column_name,
       o.option_name::sql_identifier as option_name,
       o.option_value::character_data as option_value
  from _pg_foreign_table_columns c
 cross join lateral pg_options_to_table(c.attfdwoptions) o;

create view foreign_data_wrapper_options as
select w.foreign_data_wrapper_catalog, w.foreign_data_wrapper_name,
       o.option_name::sql_identifier as option_name,
       o.option_value::character_data as option_value
  from _pg_foreign_data_wrappers w
 cross join lateral pg_options_to_table(w.fdwoptions) o;

create view foreign_data_wrappers as
select foreign_data_wrapper_catalog, foreign_data_wrapper_name, authorization_identifier,
       null::character_data as library_name,
       foreign_data_wrapper_language
  from _pg_foreign_data_wrappers;

create view foreign_server_options as
select s.foreign_server_catalog, s.foreign_server_name,
       o.option_name::sql_identifier as option_name,
       o.option_value::character_data as option_value
  from _pg_foreign_servers s
 cross join lateral pg_options_to_table(s.srvoptions) o;

create view foreign_servers as
select foreign_server_catalog, foreign_server_name, foreign_data_wrapper_catalog, foreign_data_wrapper_name,
       foreign_server_type, foreign_server_version, authorization_identifier
  from _pg_foreign_servers;

create view foreign_table_options as
select t.foreign_table_catalog, t.foreign_table_schema, t.foreign_table_name,
       o.option_name::sql_identifier as option_name,
       o.option_value::character_data as option_value
  from _pg_foreign_tables t
 cross join lateral pg_options_to_table(t.ftoptions) o;

create view foreign_tables as
select foreign_table_catalog, foreign_table_schema, foreign_table_name, foreign_server_catalog, foreign_server_name
  from _pg_foreign_tables;

create view user_mapping_options as
select m.authorization_identifier, m.foreign_server_catalog, m.foreign_server_name,
       o.option_name::sql_identifier as option_name,
       (case when (m.umuser <> 0 and m.authorization_identifier = current_user)
                  or (m.umuser = 0 and pg_has_role(m.srvowner::name, 'USAGE'))
                  or (select rolsuper from pg_authid where rolname = current_user)
             then o.option_value end)::character_data as option_value
  from _pg_user_mappings m
 cross join lateral pg_options_to_table(m.umoptions) o;

create view user_mappings as
select authorization_identifier, foreign_server_catalog, foreign_server_name from _pg_user_mappings;

create view role_column_grants as
select grantor, grantee, table_catalog, table_schema, table_name, column_name, privilege_type, is_grantable
  from column_privileges
 where grantor in (select role_name from enabled_roles) or grantee in (select role_name from enabled_roles);

create view routine_privileges as
select g.rolname::sql_identifier as grantor,
       e.rolname::sql_identifier as grantee,
       current_database()::sql_identifier as specific_catalog,
       n.nspname::sql_identifier as specific_schema,
       nameconcatoid(p.proname, p.oid)::sql_identifier as specific_name,
       current_database()::sql_identifier as routine_catalog,
       n.nspname::sql_identifier as routine_schema,
       p.proname::sql_identifier as routine_name,
       'EXECUTE'::character_data as privilege_type,
       (case when pg_has_role(e.oid, p.proowner, 'USAGE') or x.is_grantable then 'YES' else 'NO' end)::yes_or_no
         as is_grantable
  from pg_proc p
  join pg_namespace n on n.oid = p.pronamespace
 cross join lateral aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) x
  join pg_authid g on g.oid = x.grantor
  join (select oid, rolname from pg_authid union all select 0::oid, 'PUBLIC') e on e.oid = x.grantee
 where x.privilege_type = 'EXECUTE'
   and (pg_has_role(g.oid, 'USAGE') or pg_has_role(e.oid, 'USAGE') or e.rolname = 'PUBLIC');

create view role_routine_grants as
select grantor, grantee, specific_catalog, specific_schema, specific_name, routine_catalog, routine_schema, routine_name,
       privilege_type, is_grantable
  from routine_privileges
 where grantor in (select role_name from enabled_roles) or grantee in (select role_name from enabled_roles);

create view udt_privileges as
select g.rolname::sql_identifier as grantor,
       e.rolname::sql_identifier as grantee,
       current_database()::sql_identifier as udt_catalog,
       n.nspname::sql_identifier as udt_schema,
       t.typname::sql_identifier as udt_name,
       'TYPE USAGE'::character_data as privilege_type,
       (case when pg_has_role(e.oid, t.typowner, 'USAGE') or x.is_grantable then 'YES' else 'NO' end)::yes_or_no
         as is_grantable
  from pg_type t
  join pg_namespace n on n.oid = t.typnamespace
 cross join lateral aclexplode(coalesce(t.typacl, acldefault('T', t.typowner))) x
  join pg_authid g on g.oid = x.grantor
  join (select oid, rolname from pg_authid union all select 0::oid, 'PUBLIC') e on e.oid = x.grantee
 where t.typtype = 'c' and x.privilege_type = 'USAGE'
   and (pg_has_role(g.oid, 'USAGE') or pg_has_role(e.oid, 'USAGE') or e.rolname = 'PUBLIC');

create view role_udt_grants as
select grantor, grantee, udt_catalog, udt_schema, udt_name, privilege_type, is_grantable
  from udt_privileges
 where grantor in (select role_name from enabled_roles) or grantee in (select role_name from enabled_roles);

create view usage_privileges as
select u.rolname::sql_identifier as grantor,
       'PUBLIC'::sql_identifier as grantee,
       current_database()::sql_identifier as object_catalog,
       n.nspname::sql_identifier as object_schema,
       c.collname::sql_identifier as object_name,
       'COLLATION'::character_data as object_type,
       'USAGE'::character_data as privilege_type,
       'NO'::yes_or_no as is_grantable
  from pg_collation c
  join pg_authid u on u.oid = c.collowner
  join pg_namespace n on n.oid = c.collnamespace
 where c.collencoding in (-1, (select encoding from pg_database where datname = current_database()))
union all
select g.rolname::sql_identifier,
       e.rolname::sql_identifier,
       current_database()::sql_identifier,
       o.nspname::sql_identifier,
       o.name::sql_identifier,
       o.kind::character_data,
       'USAGE'::character_data,
       (case when pg_has_role(e.oid, o.owner, 'USAGE') or x.is_grantable then 'YES' else 'NO' end)::yes_or_no
  from (select n.nspname::text, t.typname as name, 'DOMAIN' as kind, t.typowner as owner,
               coalesce(t.typacl, acldefault('T', t.typowner)) as acl
          from pg_type t join pg_namespace n on n.oid = t.typnamespace where t.typtype = 'd'
        union all
        select '', fdwname, 'FOREIGN DATA WRAPPER', fdwowner, coalesce(fdwacl, acldefault('F', fdwowner))
          from pg_foreign_data_wrapper
        union all
        select '', srvname, 'FOREIGN SERVER', srvowner, coalesce(srvacl, acldefault('S', srvowner)) from pg_foreign_server
        union all
        select n.nspname, c.relname, 'SEQUENCE', c.relowner, coalesce(c.relacl, acldefault('r', c.relowner))
          from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.relkind = 'S') o
 cross join lateral aclexplode(o.acl) x
  join pg_authid g on g.oid = x.grantor
  join (select oid, rolname from pg_authid union all select 0::oid, 'PUBLIC') e on e.oid = x.grantee
 where x.privilege_type = 'USAGE'
   and (pg_has_role(g.oid, 'USAGE') or pg_has_role(e.oid, 'USAGE') or e.rolname = 'PUBLIC');

create view role_usage_grants as
select grantor, grantee, object_catalog, object_schema, object_name, object_type, privilege_type, is_grantable
  from usage_privileges
 where grantor in (select role_name from enabled_roles) or grantee in (select role_name from enabled_roles);

create view routine_column_usage as
select distinct current_database()::sql_identifier as specific_catalog,
       np.nspname::sql_identifier as specific_schema,
       nameconcatoid(p.proname, p.oid)::sql_identifier as specific_name,
       current_database()::sql_identifier as routine_catalog,
       np.nspname::sql_identifier as routine_schema,
       p.proname::sql_identifier as routine_name,
       current_database()::sql_identifier as table_catalog,
       nt.nspname::sql_identifier as table_schema,
       t.relname::sql_identifier as table_name,
       a.attname::sql_identifier as column_name
  from pg_proc p
  join pg_namespace np on np.oid = p.pronamespace
  join pg_depend d on d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.refclassid = 'pg_class'::regclass
  join pg_class t on t.oid = d.refobjid
  join pg_namespace nt on nt.oid = t.relnamespace
  join pg_attribute a on a.attrelid = t.oid and a.attnum = d.refobjsubid
 where t.relkind in ('r', 'v', 'f', 'p') and pg_has_role(t.relowner, 'USAGE');

create view routine_routine_usage as
select distinct current_database()::sql_identifier as specific_catalog,
       np.nspname::sql_identifier as specific_schema,
       nameconcatoid(p.proname, p.oid)::sql_identifier as specific_name,
       current_database()::sql_identifier as routine_catalog,
       nq.nspname::sql_identifier as routine_schema,
       nameconcatoid(q.proname, q.oid)::sql_identifier as routine_name
  from pg_proc p
  join pg_namespace np on np.oid = p.pronamespace
  join pg_depend d on d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.refclassid = 'pg_proc'::regclass
  join pg_proc q on q.oid = d.refobjid
  join pg_namespace nq on nq.oid = q.pronamespace
 where p.prokind in ('f', 'p') and q.prokind in ('f', 'p') and pg_has_role(q.proowner, 'USAGE');

create view routine_sequence_usage as
select distinct current_database()::sql_identifier as specific_catalog,
       np.nspname::sql_identifier as specific_schema,
       nameconcatoid(p.proname, p.oid)::sql_identifier as specific_name,
       current_database()::sql_identifier as routine_catalog,
       np.nspname::sql_identifier as routine_schema,
       p.proname::sql_identifier as routine_name,
       current_database()::sql_identifier as sequence_catalog,
       ns.nspname::sql_identifier as sequence_schema,
       s.relname::sql_identifier as sequence_name
  from pg_proc p
  join pg_namespace np on np.oid = p.pronamespace
  join pg_depend d on d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.refclassid = 'pg_class'::regclass
  join pg_class s on s.oid = d.refobjid and s.relkind = 'S'
  join pg_namespace ns on ns.oid = s.relnamespace
 where pg_has_role(s.relowner, 'USAGE');

create view routine_table_usage as
select distinct current_database()::sql_identifier as specific_catalog,
       np.nspname::sql_identifier as specific_schema,
       nameconcatoid(p.proname, p.oid)::sql_identifier as specific_name,
       current_database()::sql_identifier as routine_catalog,
       np.nspname::sql_identifier as routine_schema,
       p.proname::sql_identifier as routine_name,
       current_database()::sql_identifier as table_catalog,
       nt.nspname::sql_identifier as table_schema,
       t.relname::sql_identifier as table_name
  from pg_proc p
  join pg_namespace np on np.oid = p.pronamespace
  join pg_depend d on d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.refclassid = 'pg_class'::regclass
  join pg_class t on t.oid = d.refobjid
  join pg_namespace nt on nt.oid = t.relnamespace
 where t.relkind in ('r', 'v', 'f', 'p') and pg_has_role(t.relowner, 'USAGE');

create view transforms as
select current_database()::sql_identifier as udt_catalog,
       nt.nspname::sql_identifier as udt_schema,
       t.typname::sql_identifier as udt_name,
       current_database()::sql_identifier as specific_catalog,
       np.nspname::sql_identifier as specific_schema,
       nameconcatoid(p.proname, p.oid)::sql_identifier as specific_name,
       l.lanname::sql_identifier as group_name,
       x.kind::character_data as transform_type
  from pg_transform f
 cross join lateral (values (f.trffromsql, 'FROM SQL'), (f.trftosql, 'TO SQL')) as x (func, kind)
  join pg_type t on t.oid = f.trftype
  join pg_namespace nt on nt.oid = t.typnamespace
  join pg_language l on l.oid = f.trflang
  join pg_proc p on p.oid = x.func
  join pg_namespace np on np.oid = p.pronamespace
 where pg_has_role(t.typowner, 'USAGE') or has_type_privilege(t.oid, 'USAGE')
 order by udt_catalog, udt_schema, udt_name, group_name, transform_type;

create view triggered_update_columns as
select current_database()::sql_identifier as trigger_catalog,
       n.nspname::sql_identifier as trigger_schema,
       t.tgname::sql_identifier as trigger_name,
       current_database()::sql_identifier as event_object_catalog,
       n.nspname::sql_identifier as event_object_schema,
       c.relname::sql_identifier as event_object_table,
       a.attname::sql_identifier as event_object_column
  from pg_trigger t
  join pg_class c on c.oid = t.tgrelid
  join pg_namespace n on n.oid = c.relnamespace
 cross join lateral unnest(t.tgattr) as x (attnum)
  join pg_attribute a on a.attrelid = c.oid and a.attnum = x.attnum
 where not t.tgisinternal and not pg_is_other_temp_schema(n.oid)
   and (pg_has_role(c.relowner, 'USAGE') or has_column_privilege(c.oid, a.attnum, 'INSERT, UPDATE, REFERENCES'));

create view triggers as
select current_database()::sql_identifier as trigger_catalog,
       n.nspname::sql_identifier as trigger_schema,
       t.tgname::sql_identifier as trigger_name,
       ev.text::character_data as event_manipulation,
       current_database()::sql_identifier as event_object_catalog,
       n.nspname::sql_identifier as event_object_schema,
       c.relname::sql_identifier as event_object_table,
       (rank() over (partition by n.nspname, c.relname, ev.bit, t.tgtype & 1, t.tgtype & 66 order by t.tgname))
         ::cardinal_number as action_order,
       (case when pg_has_role(c.relowner, 'USAGE')
             then (regexp_match(pg_get_triggerdef(t.oid), ' WHEN \((.+)\) EXECUTE FUNCTION '))[1] end)::character_data
         as action_condition,
       ((regexp_match(pg_get_triggerdef(t.oid), ' (EXECUTE FUNCTION .+)$'))[1])::character_data as action_statement,
       (case t.tgtype & 1 when 1 then 'ROW' else 'STATEMENT' end)::character_data as action_orientation,
       (case t.tgtype & 66 when 2 then 'BEFORE' when 64 then 'INSTEAD OF' else 'AFTER' end)::character_data
         as action_timing,
       t.tgoldtable::sql_identifier as action_reference_old_table,
       t.tgnewtable::sql_identifier as action_reference_new_table,
       null::sql_identifier as action_reference_old_row,
       null::sql_identifier as action_reference_new_row,
       null::time_stamp as created
  from pg_trigger t
  join pg_class c on c.oid = t.tgrelid
  join pg_namespace n on n.oid = c.relnamespace
  join (values (4, 'INSERT'), (8, 'DELETE'), (16, 'UPDATE')) as ev (bit, text) on (t.tgtype & ev.bit) <> 0
 where not t.tgisinternal and not pg_is_other_temp_schema(n.oid)
   and (pg_has_role(c.relowner, 'USAGE')
        or has_table_privilege(c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')
        or has_any_column_privilege(c.oid, 'INSERT, UPDATE, REFERENCES'));

create view user_defined_types as
select current_database()::sql_identifier as user_defined_type_catalog,
       n.nspname::sql_identifier as user_defined_type_schema,
       c.relname::sql_identifier as user_defined_type_name,
       'STRUCTURED'::character_data as user_defined_type_category,
       'YES'::yes_or_no as is_instantiable,
       null::yes_or_no as is_final,
       null::character_data as ordering_form,
       null::character_data as ordering_category,
       null::sql_identifier as ordering_routine_catalog,
       null::sql_identifier as ordering_routine_schema,
       null::sql_identifier as ordering_routine_name,
       null::character_data as reference_type,
       null::character_data as data_type,
       null::cardinal_number as character_maximum_length,
       null::cardinal_number as character_octet_length,
       null::sql_identifier as character_set_catalog,
       null::sql_identifier as character_set_schema,
       null::sql_identifier as character_set_name,
       null::sql_identifier as collation_catalog,
       null::sql_identifier as collation_schema,
       null::sql_identifier as collation_name,
       null::cardinal_number as numeric_precision,
       null::cardinal_number as numeric_precision_radix,
       null::cardinal_number as numeric_scale,
       null::cardinal_number as datetime_precision,
       null::character_data as interval_type,
       null::cardinal_number as interval_precision,
       null::sql_identifier as source_dtd_identifier,
       null::sql_identifier as ref_dtd_identifier
  from pg_class c
  join pg_namespace n on n.oid = c.relnamespace
  join pg_type t on t.oid = c.reltype
 where c.relkind = 'c' and (pg_has_role(t.typowner, 'USAGE') or has_type_privilege(t.oid, 'USAGE'));

create view view_column_usage as
select distinct current_database()::sql_identifier as view_catalog,
       nv.nspname::sql_identifier as view_schema,
       v.relname::sql_identifier as view_name,
       current_database()::sql_identifier as table_catalog,
       nt.nspname::sql_identifier as table_schema,
       t.relname::sql_identifier as table_name,
       a.attname::sql_identifier as column_name
  from pg_class v
  join pg_namespace nv on nv.oid = v.relnamespace
  join pg_rewrite r on r.ev_class = v.oid
  join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = r.oid and d.refclassid = 'pg_class'::regclass
       and d.refobjid <> v.oid
  join pg_class t on t.oid = d.refobjid
  join pg_namespace nt on nt.oid = t.relnamespace
  join pg_attribute a on a.attrelid = t.oid and a.attnum = d.refobjsubid
 where v.relkind = 'v' and t.relkind in ('r', 'v', 'f', 'p') and pg_has_role(t.relowner, 'USAGE');

create view view_routine_usage as
select distinct current_database()::sql_identifier as table_catalog,
       nv.nspname::sql_identifier as table_schema,
       v.relname::sql_identifier as table_name,
       current_database()::sql_identifier as specific_catalog,
       np.nspname::sql_identifier as specific_schema,
       nameconcatoid(p.proname, p.oid)::sql_identifier as specific_name
  from pg_class v
  join pg_namespace nv on nv.oid = v.relnamespace
  join pg_rewrite r on r.ev_class = v.oid
  join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = r.oid and d.refclassid = 'pg_proc'::regclass
  join pg_proc p on p.oid = d.refobjid
  join pg_namespace np on np.oid = p.pronamespace
 where v.relkind = 'v' and pg_has_role(p.proowner, 'USAGE');

create view view_table_usage as
select distinct current_database()::sql_identifier as view_catalog,
       nv.nspname::sql_identifier as view_schema,
       v.relname::sql_identifier as view_name,
       current_database()::sql_identifier as table_catalog,
       nt.nspname::sql_identifier as table_schema,
       t.relname::sql_identifier as table_name
  from pg_class v
  join pg_namespace nv on nv.oid = v.relnamespace
  join pg_rewrite r on r.ev_class = v.oid
  join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = r.oid and d.refclassid = 'pg_class'::regclass
       and d.refobjid <> v.oid
  join pg_class t on t.oid = d.refobjid
  join pg_namespace nt on nt.oid = t.relnamespace
 where v.relkind = 'v' and t.relkind in ('r', 'v', 'f', 'p') and pg_has_role(t.relowner, 'USAGE');

create table sql_features (
  feature_id character_data,
  feature_name character_data,
  sub_feature_id character_data,
  sub_feature_name character_data,
  is_supported yes_or_no,
  is_verified_by character_data,
  comments character_data
);

create table sql_implementation_info (
  implementation_info_id character_data,
  implementation_info_name character_data,
  integer_value cardinal_number,
  character_value character_data,
  comments character_data
);

create table sql_parts (
  feature_id character_data,
  feature_name character_data,
  is_supported yes_or_no,
  is_verified_by character_data,
  comments character_data
);

create table sql_sizing (
  sizing_id cardinal_number,
  sizing_name character_data,
  supported_value cardinal_number,
  comments character_data
);

insert into sql_implementation_info values
  ('10003', 'CATALOG NAME', null, 'Y', null),
  ('10004', 'COLLATING SEQUENCE', null, null, null),
  ('23', 'CURSOR COMMIT BEHAVIOR', 1, null, 'close cursors and retain prepared statements'),
  ('2', 'DATA SOURCE NAME', null, '', null),
  ('17', 'DBMS NAME', null, 'PostgreSQL', null),
  ('26', 'DEFAULT TRANSACTION ISOLATION', 2, null, 'READ COMMITTED; user-settable'),
  ('28', 'IDENTIFIER CASE', 3, null, 'stored in mixed case - case sensitive'),
  ('85', 'NULL COLLATION', 0, null, 'nulls higher than non-nulls'),
  ('13', 'SERVER NAME', null, '', null),
  ('94', 'SPECIAL CHARACTERS', null, '', 'all non-ASCII characters allowed'),
  ('46', 'TRANSACTION CAPABLE', 2, null, 'both DML and DDL'),
  ('18', 'DBMS VERSION', null, '18.06.0000', null);

insert into sql_sizing values
  (97, 'MAXIMUM COLUMNS IN GROUP BY', 0, null),
  (99, 'MAXIMUM COLUMNS IN ORDER BY', 0, null),
  (100, 'MAXIMUM COLUMNS IN SELECT', 1664, null),
  (101, 'MAXIMUM COLUMNS IN TABLE', 1600, null),
  (1, 'MAXIMUM CONCURRENT ACTIVITIES', 0, null),
  (0, 'MAXIMUM DRIVER CONNECTIONS', null, null),
  (20000, 'MAXIMUM STATEMENT OCTETS', 0, null),
  (20001, 'MAXIMUM STATEMENT OCTETS DATA', 0, null),
  (20002, 'MAXIMUM STATEMENT OCTETS SCHEMA', 0, null),
  (106, 'MAXIMUM TABLES IN SELECT', 0, null),
  (25000, 'MAXIMUM CURRENT DEFAULT TRANSFORM GROUP LENGTH', null, null),
  (25001, 'MAXIMUM CURRENT TRANSFORM GROUP LENGTH', null, null),
  (25002, 'MAXIMUM CURRENT PATH LENGTH', 0, null),
  (25003, 'MAXIMUM CURRENT ROLE LENGTH', null, null),
  (34, 'MAXIMUM CATALOG NAME LENGTH', 63, 'Might be less, depending on character set.'),
  (30, 'MAXIMUM COLUMN NAME LENGTH', 63, 'Might be less, depending on character set.'),
  (31, 'MAXIMUM CURSOR NAME LENGTH', 63, 'Might be less, depending on character set.'),
  (10005, 'MAXIMUM IDENTIFIER LENGTH', 63, 'Might be less, depending on character set.'),
  (32, 'MAXIMUM SCHEMA NAME LENGTH', 63, 'Might be less, depending on character set.'),
  (35, 'MAXIMUM TABLE NAME LENGTH', 63, 'Might be less, depending on character set.'),
  (107, 'MAXIMUM USER NAME LENGTH', 63, 'Might be less, depending on character set.'),
  (25004, 'MAXIMUM SESSION USER LENGTH', 63, 'Might be less, depending on character set.'),
  (25005, 'MAXIMUM SYSTEM USER LENGTH', 63, 'Might be less, depending on character set.');

grant select on
  administrable_role_authorizations, applicable_roles, attributes, character_sets, check_constraint_routine_usage,
  check_constraints, collation_character_set_applicability, collations, column_column_usage, column_domain_usage,
  column_options, column_privileges, column_udt_usage, columns, constraint_column_usage, constraint_table_usage,
  data_type_privileges, domain_constraints, domain_udt_usage, domains, element_types, enabled_roles,
  foreign_data_wrapper_options, foreign_data_wrappers, foreign_server_options, foreign_servers,
  foreign_table_options, foreign_tables, information_schema_catalog_name, key_column_usage, parameters,
  referential_constraints, role_column_grants, role_routine_grants, role_table_grants, role_udt_grants,
  role_usage_grants, routine_column_usage, routine_privileges, routine_routine_usage, routine_sequence_usage,
  routine_table_usage, routines, schemata, sequences, sql_features, sql_implementation_info, sql_sizing,
  table_constraints, table_privileges, tables, triggered_update_columns, triggers, udt_privileges, usage_privileges,
  user_defined_types, user_mapping_options, user_mappings, view_column_usage, view_routine_usage, view_table_usage,
  views
  to public;

reset search_path;
