-- System views of a fresh database, in the order in which they are made. Written for pgts: names, types and order of the
-- columns are PostgreSQL 18's, so that its clients find what they ask for. Statements end with ";" at the end of a line.

-- Roles

create view pg_catalog.pg_roles as
select a.rolname, a.rolsuper, a.rolinherit, a.rolcreaterole, a.rolcreatedb, a.rolcanlogin, a.rolreplication,
       a.rolconnlimit, '********'::text as rolpassword, a.rolvaliduntil, a.rolbypassrls, s.setconfig as rolconfig, a.oid
  from pg_catalog.pg_authid a
  left join pg_catalog.pg_db_role_setting s on s.setrole = a.oid and s.setdatabase = 0;

create view pg_catalog.pg_shadow as
select a.rolname as usename, a.oid as usesysid, a.rolcreatedb as usecreatedb, a.rolsuper as usesuper,
       a.rolreplication as userepl, a.rolbypassrls as usebypassrls, a.rolpassword as passwd,
       a.rolvaliduntil as valuntil, s.setconfig as useconfig
  from pg_catalog.pg_authid a
  left join pg_catalog.pg_db_role_setting s on s.setrole = a.oid and s.setdatabase = 0
 where a.rolcanlogin;

revoke all on pg_catalog.pg_shadow from public;

create view pg_catalog.pg_group as
select a.rolname as groname, a.oid as grosysid,
       array(select m.member from pg_catalog.pg_auth_members m where m.roleid = a.oid) as grolist
  from pg_catalog.pg_authid a
 where not a.rolcanlogin;

create view pg_catalog.pg_user as
select usename, usesysid, usecreatedb, usesuper, userepl, usebypassrls, '********'::text as passwd, valuntil, useconfig
  from pg_catalog.pg_shadow;

-- Objects

create view pg_catalog.pg_policies as
select n.nspname as schemaname, c.relname as tablename, p.polname as policyname,
       case when p.polpermissive then 'PERMISSIVE' else 'RESTRICTIVE' end as permissive,
       case when p.polroles = '{0}'::oid[] then '{public}'::name[]
            else array(select a.rolname from pg_catalog.pg_authid a where a.oid = any (p.polroles) order by a.rolname)
       end as roles,
       case p.polcmd when 'r' then 'SELECT' when 'a' then 'INSERT' when 'w' then 'UPDATE' when 'd' then 'DELETE'
                     when '*' then 'ALL' end as cmd,
       pg_catalog.pg_get_expr(p.polqual, p.polrelid) as qual,
       pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid) as with_check
  from pg_catalog.pg_policy p
  join pg_catalog.pg_class c on c.oid = p.polrelid
  left join pg_catalog.pg_namespace n on n.oid = c.relnamespace;

create view pg_catalog.pg_rules as
select n.nspname as schemaname, c.relname as tablename, r.rulename,
       pg_catalog.pg_get_ruledef(r.oid) as definition
  from pg_catalog.pg_rewrite r
  join pg_catalog.pg_class c on c.oid = r.ev_class
  left join pg_catalog.pg_namespace n on n.oid = c.relnamespace
 where r.rulename <> '_RETURN';

create view pg_catalog.pg_views as
select n.nspname as schemaname, c.relname as viewname, pg_catalog.pg_get_userbyid(c.relowner) as viewowner,
       pg_catalog.pg_get_viewdef(c.oid) as definition
  from pg_catalog.pg_class c
  left join pg_catalog.pg_namespace n on n.oid = c.relnamespace
 where c.relkind = 'v';

create view pg_catalog.pg_tables as
select n.nspname as schemaname, c.relname as tablename, pg_catalog.pg_get_userbyid(c.relowner) as tableowner,
       t.spcname as tablespace, c.relhasindex as hasindexes, c.relhasrules as hasrules,
       c.relhastriggers as hastriggers, c.relrowsecurity as rowsecurity
  from pg_catalog.pg_class c
  left join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  left join pg_catalog.pg_tablespace t on t.oid = c.reltablespace
 where c.relkind in ('r', 'p');

create view pg_catalog.pg_matviews as
select n.nspname as schemaname, c.relname as matviewname, pg_catalog.pg_get_userbyid(c.relowner) as matviewowner,
       t.spcname as tablespace, c.relhasindex as hasindexes, c.relispopulated as ispopulated,
       pg_catalog.pg_get_viewdef(c.oid) as definition
  from pg_catalog.pg_class c
  left join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  left join pg_catalog.pg_tablespace t on t.oid = c.reltablespace
 where c.relkind = 'm';

create view pg_catalog.pg_indexes as
select n.nspname as schemaname, c.relname as tablename, i.relname as indexname, t.spcname as tablespace,
       pg_catalog.pg_get_indexdef(i.oid) as indexdef
  from pg_catalog.pg_index x
  join pg_catalog.pg_class c on c.oid = x.indrelid
  join pg_catalog.pg_class i on i.oid = x.indexrelid
  left join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  left join pg_catalog.pg_tablespace t on t.oid = i.reltablespace
 where c.relkind in ('r', 'm', 'p') and i.relkind in ('i', 'I');

create view pg_catalog.pg_sequences as
select n.nspname as schemaname, c.relname as sequencename, pg_catalog.pg_get_userbyid(c.relowner) as sequenceowner,
       s.seqtypid::regtype as data_type, s.seqstart as start_value, s.seqmin as min_value, s.seqmax as max_value,
       s.seqincrement as increment_by, s.seqcycle as cycle, s.seqcache as cache_size,
       pg_catalog.pg_sequence_last_value(c.oid::regclass) as last_value
  from pg_catalog.pg_sequence s
  join pg_catalog.pg_class c on c.oid = s.seqrelid
  left join pg_catalog.pg_namespace n on n.oid = c.relnamespace
 where c.relkind = 'S' and not pg_catalog.pg_is_other_temp_schema(n.oid);

create view pg_catalog.pg_stats with (security_barrier) as
select n.nspname as schemaname, c.relname as tablename, a.attname, s.stainherit as inherited,
       s.stanullfrac as null_frac, s.stawidth as avg_width, s.stadistinct as n_distinct,
       case when s.stakind1 = 1 then s.stavalues1 when s.stakind2 = 1 then s.stavalues2 when s.stakind3 = 1 then s.stavalues3 when s.stakind4 = 1 then s.stavalues4 when s.stakind5 = 1 then s.stavalues5 end as most_common_vals,
       case when s.stakind1 = 1 then s.stanumbers1 when s.stakind2 = 1 then s.stanumbers2 when s.stakind3 = 1 then s.stanumbers3 when s.stakind4 = 1 then s.stanumbers4 when s.stakind5 = 1 then s.stanumbers5 end as most_common_freqs,
       case when s.stakind1 = 2 then s.stavalues1 when s.stakind2 = 2 then s.stavalues2 when s.stakind3 = 2 then s.stavalues3 when s.stakind4 = 2 then s.stavalues4 when s.stakind5 = 2 then s.stavalues5 end as histogram_bounds,
       case when s.stakind1 = 3 then s.stanumbers1[1] when s.stakind2 = 3 then s.stanumbers2[1] when s.stakind3 = 3 then s.stanumbers3[1] when s.stakind4 = 3 then s.stanumbers4[1] when s.stakind5 = 3 then s.stanumbers5[1] end as correlation,
       case when s.stakind1 = 4 then s.stavalues1 when s.stakind2 = 4 then s.stavalues2 when s.stakind3 = 4 then s.stavalues3 when s.stakind4 = 4 then s.stavalues4 when s.stakind5 = 4 then s.stavalues5 end as most_common_elems,
       case when s.stakind1 = 4 then s.stanumbers1 when s.stakind2 = 4 then s.stanumbers2 when s.stakind3 = 4 then s.stanumbers3 when s.stakind4 = 4 then s.stanumbers4 when s.stakind5 = 4 then s.stanumbers5 end as most_common_elem_freqs,
       case when s.stakind1 = 5 then s.stanumbers1 when s.stakind2 = 5 then s.stanumbers2 when s.stakind3 = 5 then s.stanumbers3 when s.stakind4 = 5 then s.stanumbers4 when s.stakind5 = 5 then s.stanumbers5 end as elem_count_histogram,
       case when s.stakind1 = 6 then s.stavalues1 when s.stakind2 = 6 then s.stavalues2 when s.stakind3 = 6 then s.stavalues3 when s.stakind4 = 6 then s.stavalues4 when s.stakind5 = 6 then s.stavalues5 end as range_length_histogram,
       case when s.stakind1 = 6 then s.stanumbers1[1] when s.stakind2 = 6 then s.stanumbers2[1] when s.stakind3 = 6 then s.stanumbers3[1] when s.stakind4 = 6 then s.stanumbers4[1] when s.stakind5 = 6 then s.stanumbers5[1] end as range_empty_frac,
       case when s.stakind1 = 7 then s.stavalues1 when s.stakind2 = 7 then s.stavalues2 when s.stakind3 = 7 then s.stavalues3 when s.stakind4 = 7 then s.stavalues4 when s.stakind5 = 7 then s.stavalues5 end as range_bounds_histogram
  from pg_catalog.pg_statistic s
  join pg_catalog.pg_class c on c.oid = s.starelid
  join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum = s.staattnum
  left join pg_catalog.pg_namespace n on n.oid = c.relnamespace
 where not a.attisdropped and pg_catalog.has_column_privilege(c.oid, a.attnum, 'select')
   and (not c.relrowsecurity or not pg_catalog.row_security_active(c.oid));

revoke all on pg_catalog.pg_statistic from public;

create view pg_catalog.pg_stats_ext with (security_barrier) as
select cn.nspname as schemaname, c.relname as tablename, sn.nspname as statistics_schemaname,
       s.stxname as statistics_name, pg_catalog.pg_get_userbyid(s.stxowner) as statistics_owner,
       (select array_agg(a.attname order by a.attnum) from pg_catalog.pg_attribute a
         where a.attrelid = s.stxrelid and a.attnum = any (s.stxkeys)) as attnames,
       pg_catalog.pg_get_statisticsobjdef_expressions(s.oid) as exprs,
       s.stxkind as kinds, d.stxdinherit as inherited, d.stxdndistinct as n_distinct,
       d.stxddependencies as dependencies, m.most_common_vals, m.most_common_val_nulls, m.most_common_freqs,
       m.most_common_base_freqs
  from pg_catalog.pg_statistic_ext s
  join pg_catalog.pg_class c on c.oid = s.stxrelid
  join pg_catalog.pg_statistic_ext_data d on d.stxoid = s.oid
  left join pg_catalog.pg_namespace cn on cn.oid = c.relnamespace
  left join pg_catalog.pg_namespace sn on sn.oid = s.stxnamespace
  left join lateral (
    select array_agg(i.values) as most_common_vals, array_agg(i.nulls) as most_common_val_nulls,
           array_agg(i.frequency) as most_common_freqs, array_agg(i.base_frequency) as most_common_base_freqs
      from pg_catalog.pg_mcv_list_items(d.stxdmcv) i) m on d.stxdmcv is not null
 where pg_catalog.pg_has_role(c.relowner, 'USAGE')
   and (not c.relrowsecurity or not pg_catalog.row_security_active(c.oid));

create view pg_catalog.pg_stats_ext_exprs with (security_barrier) as
select cn.nspname as schemaname, c.relname as tablename, sn.nspname as statistics_schemaname,
       x.stxname as statistics_name, pg_catalog.pg_get_userbyid(x.stxowner) as statistics_owner,
       e.expr, d.stxdinherit as inherited,
       (e.s).stanullfrac as null_frac, (e.s).stawidth as avg_width, (e.s).stadistinct as n_distinct,
       case when (e.s).stakind1 = 1 then (e.s).stavalues1 when (e.s).stakind2 = 1 then (e.s).stavalues2 when (e.s).stakind3 = 1 then (e.s).stavalues3 when (e.s).stakind4 = 1 then (e.s).stavalues4 when (e.s).stakind5 = 1 then (e.s).stavalues5 end as most_common_vals,
       case when (e.s).stakind1 = 1 then (e.s).stanumbers1 when (e.s).stakind2 = 1 then (e.s).stanumbers2 when (e.s).stakind3 = 1 then (e.s).stanumbers3 when (e.s).stakind4 = 1 then (e.s).stanumbers4 when (e.s).stakind5 = 1 then (e.s).stanumbers5 end as most_common_freqs,
       case when (e.s).stakind1 = 2 then (e.s).stavalues1 when (e.s).stakind2 = 2 then (e.s).stavalues2 when (e.s).stakind3 = 2 then (e.s).stavalues3 when (e.s).stakind4 = 2 then (e.s).stavalues4 when (e.s).stakind5 = 2 then (e.s).stavalues5 end as histogram_bounds,
       case when (e.s).stakind1 = 3 then (e.s).stanumbers1[1] when (e.s).stakind2 = 3 then (e.s).stanumbers2[1] when (e.s).stakind3 = 3 then (e.s).stanumbers3[1] when (e.s).stakind4 = 3 then (e.s).stanumbers4[1] when (e.s).stakind5 = 3 then (e.s).stanumbers5[1] end as correlation,
       case when (e.s).stakind1 = 4 then (e.s).stavalues1 when (e.s).stakind2 = 4 then (e.s).stavalues2 when (e.s).stakind3 = 4 then (e.s).stavalues3 when (e.s).stakind4 = 4 then (e.s).stavalues4 when (e.s).stakind5 = 4 then (e.s).stavalues5 end as most_common_elems,
       case when (e.s).stakind1 = 4 then (e.s).stanumbers1 when (e.s).stakind2 = 4 then (e.s).stanumbers2 when (e.s).stakind3 = 4 then (e.s).stanumbers3 when (e.s).stakind4 = 4 then (e.s).stanumbers4 when (e.s).stakind5 = 4 then (e.s).stanumbers5 end as most_common_elem_freqs,
       case when (e.s).stakind1 = 5 then (e.s).stanumbers1 when (e.s).stakind2 = 5 then (e.s).stanumbers2 when (e.s).stakind3 = 5 then (e.s).stanumbers3 when (e.s).stakind4 = 5 then (e.s).stanumbers4 when (e.s).stakind5 = 5 then (e.s).stanumbers5 end as elem_count_histogram
  from pg_catalog.pg_statistic_ext x
  join pg_catalog.pg_class c on c.oid = x.stxrelid
  left join pg_catalog.pg_statistic_ext_data d on d.stxoid = x.oid
  left join pg_catalog.pg_namespace cn on cn.oid = c.relnamespace
  left join pg_catalog.pg_namespace sn on sn.oid = x.stxnamespace
  join lateral (
    select unnest(pg_catalog.pg_get_statisticsobjdef_expressions(x.oid)) as expr, unnest(d.stxdexpr) as s) e
    on e.expr is not null
 where pg_catalog.pg_has_role(c.relowner, 'USAGE')
   and (not c.relrowsecurity or not pg_catalog.row_security_active(c.oid));

revoke all on pg_catalog.pg_statistic_ext_data from public;

create view pg_catalog.pg_publication_tables as
select p.pubname, n.nspname as schemaname, c.relname as tablename,
       (select array_agg(a.attname order by a.attnum) from pg_catalog.pg_attribute a
         where a.attrelid = g.relid and a.attnum = any (g.attrs)) as attnames,
       pg_catalog.pg_get_expr(g.qual, g.relid) as rowfilter
  from pg_catalog.pg_publication p
  cross join lateral pg_catalog.pg_get_publication_tables(p.pubname::text) g
  join pg_catalog.pg_class c on c.oid = g.relid
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace;

-- Server state

create view pg_catalog.pg_locks as
select locktype, database, relation, page, tuple, virtualxid, transactionid, classid, objid, objsubid,
       virtualtransaction, pid, mode, granted, fastpath, waitstart
  from pg_catalog.pg_lock_status();

create view pg_catalog.pg_cursors as
select name, statement, is_holdable, is_binary, is_scrollable, creation_time
  from pg_catalog.pg_cursor();

create view pg_catalog.pg_available_extensions as
select e.name, e.default_version, x.extversion as installed_version, e.comment
  from pg_catalog.pg_available_extensions() e
  left join pg_catalog.pg_extension x on x.extname = e.name;

create view pg_catalog.pg_available_extension_versions as
select e.name, e.version, x.extname is not null as installed, e.superuser, e.trusted, e.relocatable, e.schema,
       e.requires, e.comment
  from pg_catalog.pg_available_extension_versions() e
  left join pg_catalog.pg_extension x on x.extname = e.name and x.extversion = e.version;

create view pg_catalog.pg_prepared_xacts as
select p.transaction, p.gid, p.prepared, a.rolname as owner, d.datname as database
  from pg_catalog.pg_prepared_xact() p
  left join pg_catalog.pg_authid a on a.oid = p.ownerid
  left join pg_catalog.pg_database d on d.oid = p.dbid;

create view pg_catalog.pg_prepared_statements as
select name, statement, prepare_time, parameter_types, result_types, from_sql, generic_plans, custom_plans
  from pg_catalog.pg_prepared_statement();

create view pg_catalog.pg_seclabels as
select l.objoid, l.classoid, l.objsubid, i.type as objtype, i.schema::regnamespace::oid as objnamespace,
       i.identity collate "C" as objname, l.provider, l.label
  from pg_catalog.pg_seclabel l
  cross join lateral pg_catalog.pg_identify_object(l.classoid, l.objoid, l.objsubid) i
union all
select l.objoid, l.classoid, 0, i.type, null::oid, i.identity, l.provider, l.label
  from pg_catalog.pg_shseclabel l
  cross join lateral pg_catalog.pg_identify_object(l.classoid, l.objoid, 0) i;

create view pg_catalog.pg_settings as
select name, setting, unit, category, short_desc, extra_desc, context, vartype, source, min_val, max_val, enumvals,
       boot_val, reset_val, sourcefile, sourceline, pending_restart
  from pg_catalog.pg_show_all_settings();

create rule pg_settings_u as on update to pg_catalog.pg_settings where new.name = old.name
  do select pg_catalog.set_config(old.name, new.setting, 'f');

create rule pg_settings_n as on update to pg_catalog.pg_settings do instead nothing;

grant select, update on pg_catalog.pg_settings to public;

create view pg_catalog.pg_file_settings as
select sourcefile, sourceline, seqno, name, setting, applied, error
  from pg_catalog.pg_show_all_file_settings();

revoke all on pg_catalog.pg_file_settings from public;

revoke execute on function pg_catalog.pg_show_all_file_settings() from public;

create view pg_catalog.pg_hba_file_rules as
select rule_number, file_name, line_number, type, database, user_name, address, netmask, auth_method, options, error
  from pg_catalog.pg_hba_file_rules();

revoke all on pg_catalog.pg_hba_file_rules from public;

revoke execute on function pg_catalog.pg_hba_file_rules() from public;

create view pg_catalog.pg_ident_file_mappings as
select map_number, file_name, line_number, map_name, sys_name, pg_username, error
  from pg_catalog.pg_ident_file_mappings();

revoke all on pg_catalog.pg_ident_file_mappings from public;

revoke execute on function pg_catalog.pg_ident_file_mappings() from public;

create view pg_catalog.pg_timezone_abbrevs as
select z.abbrev, z.utc_offset, z.is_dst from pg_catalog.pg_timezone_abbrevs_zone() z
union all
select a.abbrev, a.utc_offset, a.is_dst from pg_catalog.pg_timezone_abbrevs_abbrevs() a
 where not exists (select 1 from pg_catalog.pg_timezone_abbrevs_zone() z where z.abbrev = a.abbrev);

create view pg_catalog.pg_timezone_names as
select name, abbrev, utc_offset, is_dst from pg_catalog.pg_timezone_names();

create view pg_catalog.pg_config as
select name, setting from pg_catalog.pg_config();

revoke all on pg_catalog.pg_config from public;

revoke execute on function pg_catalog.pg_config() from public;

create view pg_catalog.pg_shmem_allocations as
select name, off, size, allocated_size from pg_catalog.pg_get_shmem_allocations();

create view pg_catalog.pg_shmem_allocations_numa as
select name, numa_node, size from pg_catalog.pg_get_shmem_allocations_numa();

create view pg_catalog.pg_backend_memory_contexts as
select name, ident, type, level, path, total_bytes, total_nblocks, free_bytes, free_chunks, used_bytes
  from pg_catalog.pg_get_backend_memory_contexts();

revoke all on pg_catalog.pg_shmem_allocations, pg_catalog.pg_shmem_allocations_numa,
  pg_catalog.pg_backend_memory_contexts from public;

grant select on pg_catalog.pg_shmem_allocations, pg_catalog.pg_shmem_allocations_numa,
  pg_catalog.pg_backend_memory_contexts to pg_read_all_stats;

-- Statistics of tables, indexes and sequences

create view pg_catalog.pg_stat_all_tables as
select c.oid as relid, n.nspname as schemaname, c.relname,
       pg_catalog.pg_stat_get_numscans(c.oid) as seq_scan, pg_catalog.pg_stat_get_lastscan(c.oid) as last_seq_scan,
       pg_catalog.pg_stat_get_tuples_returned(c.oid) as seq_tup_read,
       sum(pg_catalog.pg_stat_get_numscans(i.indexrelid))::bigint as idx_scan, max(pg_catalog.pg_stat_get_lastscan(i.indexrelid)) as last_idx_scan,
       sum(pg_catalog.pg_stat_get_tuples_fetched(i.indexrelid))::bigint + pg_catalog.pg_stat_get_tuples_fetched(c.oid) as idx_tup_fetch,
       pg_catalog.pg_stat_get_tuples_inserted(c.oid) as n_tup_ins, pg_catalog.pg_stat_get_tuples_updated(c.oid) as n_tup_upd,
       pg_catalog.pg_stat_get_tuples_deleted(c.oid) as n_tup_del, pg_catalog.pg_stat_get_tuples_hot_updated(c.oid) as n_tup_hot_upd,
       pg_catalog.pg_stat_get_tuples_newpage_updated(c.oid) as n_tup_newpage_upd,
       pg_catalog.pg_stat_get_live_tuples(c.oid) as n_live_tup, pg_catalog.pg_stat_get_dead_tuples(c.oid) as n_dead_tup,
       pg_catalog.pg_stat_get_mod_since_analyze(c.oid) as n_mod_since_analyze, pg_catalog.pg_stat_get_ins_since_vacuum(c.oid) as n_ins_since_vacuum,
       pg_catalog.pg_stat_get_last_vacuum_time(c.oid) as last_vacuum, pg_catalog.pg_stat_get_last_autovacuum_time(c.oid) as last_autovacuum,
       pg_catalog.pg_stat_get_last_analyze_time(c.oid) as last_analyze, pg_catalog.pg_stat_get_last_autoanalyze_time(c.oid) as last_autoanalyze,
       pg_catalog.pg_stat_get_vacuum_count(c.oid) as vacuum_count, pg_catalog.pg_stat_get_autovacuum_count(c.oid) as autovacuum_count,
       pg_catalog.pg_stat_get_analyze_count(c.oid) as analyze_count, pg_catalog.pg_stat_get_autoanalyze_count(c.oid) as autoanalyze_count,
       pg_catalog.pg_stat_get_total_vacuum_time(c.oid) as total_vacuum_time,
       pg_catalog.pg_stat_get_total_autovacuum_time(c.oid) as total_autovacuum_time,
       pg_catalog.pg_stat_get_total_analyze_time(c.oid) as total_analyze_time,
       pg_catalog.pg_stat_get_total_autoanalyze_time(c.oid) as total_autoanalyze_time
  from pg_catalog.pg_class c
  left join pg_catalog.pg_index i on i.indrelid = c.oid
  left join pg_catalog.pg_namespace n on n.oid = c.relnamespace
 where c.relkind in ('r', 't', 'm', 'p')
 group by c.oid, n.nspname, c.relname;

create view pg_catalog.pg_stat_xact_all_tables as
select c.oid as relid, n.nspname as schemaname, c.relname,
       pg_catalog.pg_stat_get_xact_numscans(c.oid) as seq_scan, pg_catalog.pg_stat_get_xact_tuples_returned(c.oid) as seq_tup_read,
       sum(pg_catalog.pg_stat_get_xact_numscans(i.indexrelid))::bigint as idx_scan,
       sum(pg_catalog.pg_stat_get_xact_tuples_fetched(i.indexrelid))::bigint + pg_catalog.pg_stat_get_xact_tuples_fetched(c.oid) as idx_tup_fetch,
       pg_catalog.pg_stat_get_xact_tuples_inserted(c.oid) as n_tup_ins, pg_catalog.pg_stat_get_xact_tuples_updated(c.oid) as n_tup_upd,
       pg_catalog.pg_stat_get_xact_tuples_deleted(c.oid) as n_tup_del, pg_catalog.pg_stat_get_xact_tuples_hot_updated(c.oid) as n_tup_hot_upd,
       pg_catalog.pg_stat_get_xact_tuples_newpage_updated(c.oid) as n_tup_newpage_upd
  from pg_catalog.pg_class c
  left join pg_catalog.pg_index i on i.indrelid = c.oid
  left join pg_catalog.pg_namespace n on n.oid = c.relnamespace
 where c.relkind in ('r', 't', 'm', 'p')
 group by c.oid, n.nspname, c.relname;

create view pg_catalog.pg_stat_sys_tables as
select * from pg_catalog.pg_stat_all_tables where schemaname in ('pg_catalog', 'information_schema') or schemaname ~ '^pg_toast';

create view pg_catalog.pg_stat_xact_sys_tables as
select * from pg_catalog.pg_stat_xact_all_tables where schemaname in ('pg_catalog', 'information_schema') or schemaname ~ '^pg_toast';

create view pg_catalog.pg_stat_user_tables as
select * from pg_catalog.pg_stat_all_tables where schemaname not in ('pg_catalog', 'information_schema') and schemaname !~ '^pg_toast';

create view pg_catalog.pg_stat_xact_user_tables as
select * from pg_catalog.pg_stat_xact_all_tables where schemaname not in ('pg_catalog', 'information_schema') and schemaname !~ '^pg_toast';

create view pg_catalog.pg_statio_all_tables as
select c.oid as relid, n.nspname as schemaname, c.relname,
       pg_catalog.pg_stat_get_blocks_fetched(c.oid) - pg_catalog.pg_stat_get_blocks_hit(c.oid) as heap_blks_read,
       pg_catalog.pg_stat_get_blocks_hit(c.oid) as heap_blks_hit,
       i.idx_blks_read, i.idx_blks_hit,
       pg_catalog.pg_stat_get_blocks_fetched(c.reltoastrelid) - pg_catalog.pg_stat_get_blocks_hit(c.reltoastrelid) as toast_blks_read,
       pg_catalog.pg_stat_get_blocks_hit(c.reltoastrelid) as toast_blks_hit,
       x.idx_blks_read as tidx_blks_read, x.idx_blks_hit as tidx_blks_hit
  from pg_catalog.pg_class c
  left join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  left join (
    select indrelid, sum(pg_catalog.pg_stat_get_blocks_fetched(indexrelid) - pg_catalog.pg_stat_get_blocks_hit(indexrelid))::bigint as idx_blks_read,
           sum(pg_catalog.pg_stat_get_blocks_hit(indexrelid))::bigint as idx_blks_hit
      from pg_catalog.pg_index group by indrelid) i on i.indrelid = c.oid
  left join (
    select indrelid, sum(pg_catalog.pg_stat_get_blocks_fetched(indexrelid) - pg_catalog.pg_stat_get_blocks_hit(indexrelid))::bigint as idx_blks_read,
           sum(pg_catalog.pg_stat_get_blocks_hit(indexrelid))::bigint as idx_blks_hit
      from pg_catalog.pg_index group by indrelid) x on x.indrelid = c.reltoastrelid
 where c.relkind in ('r', 't', 'm');

create view pg_catalog.pg_statio_sys_tables as
select * from pg_catalog.pg_statio_all_tables where schemaname in ('pg_catalog', 'information_schema') or schemaname ~ '^pg_toast';

create view pg_catalog.pg_statio_user_tables as
select * from pg_catalog.pg_statio_all_tables where schemaname not in ('pg_catalog', 'information_schema') and schemaname !~ '^pg_toast';

create view pg_catalog.pg_stat_all_indexes as
select c.oid as relid, i.oid as indexrelid, n.nspname as schemaname, c.relname, i.relname as indexrelname,
       pg_catalog.pg_stat_get_numscans(i.oid) as idx_scan, pg_catalog.pg_stat_get_lastscan(i.oid) as last_idx_scan,
       pg_catalog.pg_stat_get_tuples_returned(i.oid) as idx_tup_read, pg_catalog.pg_stat_get_tuples_fetched(i.oid) as idx_tup_fetch
  from pg_catalog.pg_index x
  join pg_catalog.pg_class c on c.oid = x.indrelid
  join pg_catalog.pg_class i on i.oid = x.indexrelid
  left join pg_catalog.pg_namespace n on n.oid = c.relnamespace
 where c.relkind in ('r', 't', 'm');

create view pg_catalog.pg_stat_sys_indexes as
select * from pg_catalog.pg_stat_all_indexes where schemaname in ('pg_catalog', 'information_schema') or schemaname ~ '^pg_toast';

create view pg_catalog.pg_stat_user_indexes as
select * from pg_catalog.pg_stat_all_indexes where schemaname not in ('pg_catalog', 'information_schema') and schemaname !~ '^pg_toast';

create view pg_catalog.pg_statio_all_indexes as
select c.oid as relid, i.oid as indexrelid, n.nspname as schemaname, c.relname, i.relname as indexrelname,
       pg_catalog.pg_stat_get_blocks_fetched(i.oid) - pg_catalog.pg_stat_get_blocks_hit(i.oid) as idx_blks_read, pg_catalog.pg_stat_get_blocks_hit(i.oid) as idx_blks_hit
  from pg_catalog.pg_index x
  join pg_catalog.pg_class c on c.oid = x.indrelid
  join pg_catalog.pg_class i on i.oid = x.indexrelid
  left join pg_catalog.pg_namespace n on n.oid = c.relnamespace
 where c.relkind in ('r', 't', 'm');

create view pg_catalog.pg_statio_sys_indexes as
select * from pg_catalog.pg_statio_all_indexes where schemaname in ('pg_catalog', 'information_schema') or schemaname ~ '^pg_toast';

create view pg_catalog.pg_statio_user_indexes as
select * from pg_catalog.pg_statio_all_indexes where schemaname not in ('pg_catalog', 'information_schema') and schemaname !~ '^pg_toast';

create view pg_catalog.pg_statio_all_sequences as
select c.oid as relid, n.nspname as schemaname, c.relname,
       pg_catalog.pg_stat_get_blocks_fetched(c.oid) - pg_catalog.pg_stat_get_blocks_hit(c.oid) as blks_read, pg_catalog.pg_stat_get_blocks_hit(c.oid) as blks_hit
  from pg_catalog.pg_class c
  left join pg_catalog.pg_namespace n on n.oid = c.relnamespace
 where c.relkind = 'S';

create view pg_catalog.pg_statio_sys_sequences as
select * from pg_catalog.pg_statio_all_sequences where schemaname in ('pg_catalog', 'information_schema') or schemaname ~ '^pg_toast';

create view pg_catalog.pg_statio_user_sequences as
select * from pg_catalog.pg_statio_all_sequences where schemaname not in ('pg_catalog', 'information_schema') and schemaname !~ '^pg_toast';

-- Sessions, replication, cluster-wide statistics

create view pg_catalog.pg_stat_activity as
select s.datid, d.datname, s.pid, s.leader_pid, s.usesysid, u.rolname as usename, s.application_name, s.client_addr,
       s.client_hostname, s.client_port, s.backend_start, s.xact_start, s.query_start, s.state_change,
       s.wait_event_type, s.wait_event, s.state, s.backend_xid, s.backend_xmin, s.query_id, s.query, s.backend_type
  from pg_catalog.pg_stat_get_activity(null) s
  left join pg_catalog.pg_database d on d.oid = s.datid
  left join pg_catalog.pg_authid u on u.oid = s.usesysid;

create view pg_catalog.pg_stat_replication as
select s.pid, s.usesysid, u.rolname as usename, s.application_name, s.client_addr, s.client_hostname, s.client_port,
       s.backend_start, s.backend_xmin, w.state, w.sent_lsn, w.write_lsn, w.flush_lsn, w.replay_lsn, w.write_lag,
       w.flush_lag, w.replay_lag, w.sync_priority, w.sync_state, w.reply_time
  from pg_catalog.pg_stat_get_activity(null) s
  join pg_catalog.pg_stat_get_wal_senders() w on w.pid = s.pid
  left join pg_catalog.pg_authid u on u.oid = s.usesysid;

create view pg_catalog.pg_stat_slru as
select name, blks_zeroed, blks_hit, blks_read, blks_written, blks_exists, flushes, truncates, stats_reset
  from pg_catalog.pg_stat_get_slru();

create view pg_catalog.pg_stat_wal_receiver as
select pid, status, receive_start_lsn, receive_start_tli, written_lsn, flushed_lsn, received_tli, last_msg_send_time,
       last_msg_receipt_time, latest_end_lsn, latest_end_time, slot_name, sender_host, sender_port, conninfo
  from pg_catalog.pg_stat_get_wal_receiver()
 where pid is not null;

create view pg_catalog.pg_stat_recovery_prefetch as
select stats_reset, prefetch, hit, skip_init, skip_new, skip_fpw, skip_rep, wal_distance, block_distance, io_depth
  from pg_catalog.pg_stat_get_recovery_prefetch();

create view pg_catalog.pg_stat_subscription as
select s.oid as subid, s.subname, w.worker_type, w.pid, w.leader_pid, w.relid, w.received_lsn, w.last_msg_send_time,
       w.last_msg_receipt_time, w.latest_end_lsn, w.latest_end_time
  from pg_catalog.pg_subscription s
  left join pg_catalog.pg_stat_get_subscription(null) w on w.subid = s.oid;

create view pg_catalog.pg_stat_ssl as
select pid, ssl, sslversion as version, sslcipher as cipher, sslbits as bits, ssl_client_dn as client_dn,
       ssl_client_serial as client_serial, ssl_issuer_dn as issuer_dn
  from pg_catalog.pg_stat_get_activity(null)
 where client_port is not null;

create view pg_catalog.pg_stat_gssapi as
select pid, gss_auth as gss_authenticated, gss_princ as principal, gss_enc as encrypted,
       gss_delegation as credentials_delegated
  from pg_catalog.pg_stat_get_activity(null)
 where client_port is not null;

create view pg_catalog.pg_replication_slots as
select s.slot_name, s.plugin, s.slot_type, s.datoid, d.datname as database, s.temporary, s.active, s.active_pid,
       s.xmin, s.catalog_xmin, s.restart_lsn, s.confirmed_flush_lsn, s.wal_status, s.safe_wal_size, s.two_phase,
       s.two_phase_at, s.inactive_since, s.conflicting, s.invalidation_reason, s.failover, s.synced
  from pg_catalog.pg_get_replication_slots() s
  left join pg_catalog.pg_database d on d.oid = s.datoid;

create view pg_catalog.pg_stat_replication_slots as
select s.slot_name, s.spill_txns, s.spill_count, s.spill_bytes, s.stream_txns, s.stream_count, s.stream_bytes,
       s.total_txns, s.total_bytes, s.stats_reset
  from pg_catalog.pg_replication_slots r
  cross join lateral pg_catalog.pg_stat_get_replication_slot(r.slot_name::text) s
 where r.datoid is not null;

create view pg_catalog.pg_stat_database as
select d.datid, d.datname, case when d.datid = 0 then 0 else pg_catalog.pg_stat_get_db_numbackends(d.datid) end as numbackends,
       pg_catalog.pg_stat_get_db_xact_commit(d.datid) as xact_commit, pg_catalog.pg_stat_get_db_xact_rollback(d.datid) as xact_rollback,
       pg_catalog.pg_stat_get_db_blocks_fetched(d.datid) - pg_catalog.pg_stat_get_db_blocks_hit(d.datid) as blks_read,
       pg_catalog.pg_stat_get_db_blocks_hit(d.datid) as blks_hit,
       pg_catalog.pg_stat_get_db_tuples_returned(d.datid) as tup_returned, pg_catalog.pg_stat_get_db_tuples_fetched(d.datid) as tup_fetched,
       pg_catalog.pg_stat_get_db_tuples_inserted(d.datid) as tup_inserted, pg_catalog.pg_stat_get_db_tuples_updated(d.datid) as tup_updated,
       pg_catalog.pg_stat_get_db_tuples_deleted(d.datid) as tup_deleted, pg_catalog.pg_stat_get_db_conflict_all(d.datid) as conflicts,
       pg_catalog.pg_stat_get_db_temp_files(d.datid) as temp_files, pg_catalog.pg_stat_get_db_temp_bytes(d.datid) as temp_bytes,
       pg_catalog.pg_stat_get_db_deadlocks(d.datid) as deadlocks, pg_catalog.pg_stat_get_db_checksum_failures(d.datid) as checksum_failures,
       pg_catalog.pg_stat_get_db_checksum_last_failure(d.datid) as checksum_last_failure,
       pg_catalog.pg_stat_get_db_blk_read_time(d.datid) as blk_read_time, pg_catalog.pg_stat_get_db_blk_write_time(d.datid) as blk_write_time,
       pg_catalog.pg_stat_get_db_session_time(d.datid) as session_time, pg_catalog.pg_stat_get_db_active_time(d.datid) as active_time,
       pg_catalog.pg_stat_get_db_idle_in_transaction_time(d.datid) as idle_in_transaction_time,
       pg_catalog.pg_stat_get_db_sessions(d.datid) as sessions, pg_catalog.pg_stat_get_db_sessions_abandoned(d.datid) as sessions_abandoned,
       pg_catalog.pg_stat_get_db_sessions_fatal(d.datid) as sessions_fatal, pg_catalog.pg_stat_get_db_sessions_killed(d.datid) as sessions_killed,
       pg_catalog.pg_stat_get_db_parallel_workers_to_launch(d.datid) as parallel_workers_to_launch,
       pg_catalog.pg_stat_get_db_parallel_workers_launched(d.datid) as parallel_workers_launched,
       pg_catalog.pg_stat_get_db_stat_reset_time(d.datid) as stats_reset
  from (select 0::oid as datid, null::name as datname
        union all
        select oid, datname from pg_catalog.pg_database) d;

create view pg_catalog.pg_stat_database_conflicts as
select oid as datid, datname, pg_catalog.pg_stat_get_db_conflict_tablespace(oid) as confl_tablespace, pg_catalog.pg_stat_get_db_conflict_lock(oid) as confl_lock,
       pg_catalog.pg_stat_get_db_conflict_snapshot(oid) as confl_snapshot, pg_catalog.pg_stat_get_db_conflict_bufferpin(oid) as confl_bufferpin,
       pg_catalog.pg_stat_get_db_conflict_startup_deadlock(oid) as confl_deadlock,
       pg_catalog.pg_stat_get_db_conflict_logicalslot(oid) as confl_active_logicalslot
  from pg_catalog.pg_database;

create view pg_catalog.pg_stat_user_functions as
select p.oid as funcid, n.nspname as schemaname, p.proname as funcname, pg_catalog.pg_stat_get_function_calls(p.oid) as calls,
       pg_catalog.pg_stat_get_function_total_time(p.oid) as total_time, pg_catalog.pg_stat_get_function_self_time(p.oid) as self_time
  from pg_catalog.pg_proc p
  left join pg_catalog.pg_namespace n on n.oid = p.pronamespace
 where p.prolang <> 12 and pg_catalog.pg_stat_get_function_calls(p.oid) is not null;

create view pg_catalog.pg_stat_xact_user_functions as
select p.oid as funcid, n.nspname as schemaname, p.proname as funcname, pg_catalog.pg_stat_get_xact_function_calls(p.oid) as calls,
       pg_catalog.pg_stat_get_xact_function_total_time(p.oid) as total_time, pg_catalog.pg_stat_get_xact_function_self_time(p.oid) as self_time
  from pg_catalog.pg_proc p
  left join pg_catalog.pg_namespace n on n.oid = p.pronamespace
 where p.prolang <> 12 and pg_catalog.pg_stat_get_xact_function_calls(p.oid) is not null;

create view pg_catalog.pg_stat_archiver as
select archived_count, last_archived_wal, last_archived_time, failed_count, last_failed_wal, last_failed_time,
       stats_reset
  from pg_catalog.pg_stat_get_archiver();

create view pg_catalog.pg_stat_bgwriter as
select pg_catalog.pg_stat_get_bgwriter_buf_written_clean() as buffers_clean, pg_catalog.pg_stat_get_bgwriter_maxwritten_clean() as maxwritten_clean,
       pg_catalog.pg_stat_get_buf_alloc() as buffers_alloc, pg_catalog.pg_stat_get_bgwriter_stat_reset_time() as stats_reset;

create view pg_catalog.pg_stat_checkpointer as
select pg_catalog.pg_stat_get_checkpointer_num_timed() as num_timed, pg_catalog.pg_stat_get_checkpointer_num_requested() as num_requested,
       pg_catalog.pg_stat_get_checkpointer_num_performed() as num_done,
       pg_catalog.pg_stat_get_checkpointer_restartpoints_timed() as restartpoints_timed,
       pg_catalog.pg_stat_get_checkpointer_restartpoints_requested() as restartpoints_req,
       pg_catalog.pg_stat_get_checkpointer_restartpoints_performed() as restartpoints_done,
       pg_catalog.pg_stat_get_checkpointer_write_time() as write_time, pg_catalog.pg_stat_get_checkpointer_sync_time() as sync_time,
       pg_catalog.pg_stat_get_checkpointer_buffers_written() as buffers_written, pg_catalog.pg_stat_get_checkpointer_slru_written() as slru_written,
       pg_catalog.pg_stat_get_checkpointer_stat_reset_time() as stats_reset;

create view pg_catalog.pg_stat_io as
select backend_type, object, context, reads, read_bytes, read_time, writes, write_bytes, write_time, writebacks,
       writeback_time, extends, extend_bytes, extend_time, hits, evictions, reuses, fsyncs, fsync_time, stats_reset
  from pg_catalog.pg_stat_get_io();

create view pg_catalog.pg_stat_wal as
select wal_records, wal_fpi, wal_bytes, wal_buffers_full, stats_reset
  from pg_catalog.pg_stat_get_wal();

-- Progress of long commands

create view pg_catalog.pg_stat_progress_analyze as
select s.pid, s.datid, d.datname, s.relid,
       case s.param1 when 0 then 'initializing' when 1 then 'acquiring sample rows' when 2 then 'acquiring inherited sample rows' when 3 then 'computing statistics' when 4 then 'computing extended statistics' when 5 then 'finalizing analyze' end as phase,
       s.param2 as sample_blks_total,
       s.param3 as sample_blks_scanned,
       s.param4 as ext_stats_total,
       s.param5 as ext_stats_computed,
       s.param6 as child_tables_total,
       s.param7 as child_tables_done,
       s.param8::oid as current_child_table_relid,
       s.param9::double precision / 1000000 as delay_time
  from pg_catalog.pg_stat_get_progress_info('ANALYZE') s
  left join pg_catalog.pg_database d on d.oid = s.datid;

create view pg_catalog.pg_stat_progress_vacuum as
select s.pid, s.datid, d.datname, s.relid,
       case s.param1 when 0 then 'initializing' when 1 then 'scanning heap' when 2 then 'vacuuming indexes' when 3 then 'vacuuming heap' when 4 then 'cleaning up indexes' when 5 then 'truncating heap' when 6 then 'performing final cleanup' end as phase,
       s.param2 as heap_blks_total,
       s.param3 as heap_blks_scanned,
       s.param4 as heap_blks_vacuumed,
       s.param5 as index_vacuum_count,
       s.param6 as max_dead_tuple_bytes,
       s.param7 as dead_tuple_bytes,
       s.param8 as num_dead_item_ids,
       s.param9 as indexes_total,
       s.param10 as indexes_processed,
       s.param11::double precision / 1000000 as delay_time
  from pg_catalog.pg_stat_get_progress_info('VACUUM') s
  left join pg_catalog.pg_database d on d.oid = s.datid;

create view pg_catalog.pg_stat_progress_cluster as
select s.pid, s.datid, d.datname, s.relid,
       case s.param1 when 1 then 'CLUSTER' when 2 then 'VACUUM FULL' end as command,
       case s.param2 when 0 then 'initializing' when 1 then 'seq scanning heap' when 2 then 'index scanning heap' when 3 then 'sorting tuples' when 4 then 'writing new heap' when 5 then 'swapping relation files' when 6 then 'rebuilding index' when 7 then 'performing final cleanup' end as phase,
       s.param3::oid as cluster_index_relid,
       s.param4 as heap_tuples_scanned,
       s.param5 as heap_tuples_written,
       s.param6 as heap_blks_total,
       s.param7 as heap_blks_scanned,
       s.param8 as index_rebuild_count
  from pg_catalog.pg_stat_get_progress_info('CLUSTER') s
  left join pg_catalog.pg_database d on d.oid = s.datid;

create view pg_catalog.pg_stat_progress_create_index as
select s.pid, s.datid, d.datname, s.relid,
       s.param7::oid as index_relid,
       case s.param1 when 1 then 'CREATE INDEX' when 2 then 'CREATE INDEX CONCURRENTLY' when 3 then 'REINDEX' when 4 then 'REINDEX CONCURRENTLY' end as command,
       case s.param10 when 0 then 'initializing' when 1 then 'waiting for writers before build'
         when 2 then 'building index' || coalesce(': ' || pg_catalog.pg_indexam_progress_phasename(s.param9::oid, s.param11), '')
         when 3 then 'waiting for writers before validation' when 4 then 'index validation: scanning index'
         when 5 then 'index validation: sorting tuples' when 6 then 'index validation: scanning table'
         when 7 then 'waiting for old snapshots' when 8 then 'waiting for readers before marking dead'
         when 9 then 'waiting for readers before dropping' end as phase,
       s.param4 as lockers_total,
       s.param5 as lockers_done,
       s.param6 as current_locker_pid,
       s.param16 as blocks_total,
       s.param17 as blocks_done,
       s.param12 as tuples_total,
       s.param13 as tuples_done,
       s.param14 as partitions_total,
       s.param15 as partitions_done
  from pg_catalog.pg_stat_get_progress_info('CREATE INDEX') s
  left join pg_catalog.pg_database d on d.oid = s.datid;

create view pg_catalog.pg_stat_progress_basebackup as
select s.pid,
       case s.param1 when 0 then 'initializing' when 1 then 'waiting for checkpoint to finish' when 2 then 'estimating backup size' when 3 then 'streaming database files' when 4 then 'waiting for wal archiving to finish' when 5 then 'transferring wal files' end as phase,
       case s.param2 when -1 then null else s.param2 end as backup_total,
       s.param3 as backup_streamed,
       s.param4 as tablespaces_total,
       s.param5 as tablespaces_streamed
  from pg_catalog.pg_stat_get_progress_info('BASEBACKUP') s;

create view pg_catalog.pg_stat_progress_copy as
select s.pid, s.datid, d.datname, s.relid,
       case s.param5 when 1 then 'COPY FROM' when 2 then 'COPY TO' end as command,
       case s.param6 when 1 then 'FILE' when 2 then 'PROGRAM' when 3 then 'PIPE' when 4 then 'CALLBACK' end as type,
       s.param1 as bytes_processed,
       s.param2 as bytes_total,
       s.param3 as tuples_processed,
       s.param4 as tuples_excluded,
       s.param7 as tuples_skipped
  from pg_catalog.pg_stat_get_progress_info('COPY') s
  left join pg_catalog.pg_database d on d.oid = s.datid;

-- Foreign data, replication origins, the rest

create view pg_catalog.pg_user_mappings as
select m.oid as umid, s.oid as srvid, s.srvname, m.umuser,
       case when m.umuser = 0 then 'public' else a.rolname end as usename,
       case when pg_catalog.pg_has_role(s.srvowner, 'USAGE') and m.umuser = 0 then m.umoptions
            when a.rolname = current_user and (pg_catalog.pg_has_role(s.srvowner, 'USAGE')
                                               or pg_catalog.has_server_privilege(s.oid, 'USAGE')) then m.umoptions
            when (select r.rolsuper from pg_catalog.pg_authid r where r.rolname = current_user) then m.umoptions
       end as umoptions
  from pg_catalog.pg_user_mapping m
  join pg_catalog.pg_foreign_server s on s.oid = m.umserver
  left join pg_catalog.pg_authid a on a.oid = m.umuser;

revoke all on pg_catalog.pg_user_mapping from public;

create view pg_catalog.pg_replication_origin_status as
select local_id, external_id, remote_lsn, local_lsn from pg_catalog.pg_show_replication_origin_status();

revoke all on pg_catalog.pg_replication_origin_status from public;

create view pg_catalog.pg_stat_subscription_stats as
select w.subid, s.subname, w.apply_error_count, w.sync_error_count, w.confl_insert_exists,
       w.confl_update_origin_differs, w.confl_update_exists, w.confl_update_missing, w.confl_delete_origin_differs,
       w.confl_delete_missing, w.confl_multiple_unique_conflicts, w.stats_reset
  from pg_catalog.pg_subscription s
  cross join lateral pg_catalog.pg_stat_get_subscription_stats(s.oid) w;

create view pg_catalog.pg_wait_events as
select type, name, description from pg_catalog.pg_get_wait_events();

create view pg_catalog.pg_aios as
select pid, io_id, io_generation, state, operation, off, length, target, handle_data_len, raw_result, result,
       target_desc, f_sync, f_localmem, f_buffered
  from pg_catalog.pg_get_aios();

revoke all on pg_catalog.pg_aios from public;

grant select on pg_catalog.pg_aios to pg_read_all_stats;

-- Everything else that the views show is for everyone

grant select on pg_catalog.pg_roles, pg_catalog.pg_group, pg_catalog.pg_user, pg_catalog.pg_policies,
  pg_catalog.pg_rules, pg_catalog.pg_views, pg_catalog.pg_tables, pg_catalog.pg_matviews, pg_catalog.pg_indexes,
  pg_catalog.pg_sequences, pg_catalog.pg_stats, pg_catalog.pg_stats_ext, pg_catalog.pg_stats_ext_exprs,
  pg_catalog.pg_publication_tables, pg_catalog.pg_locks, pg_catalog.pg_cursors, pg_catalog.pg_available_extensions,
  pg_catalog.pg_available_extension_versions, pg_catalog.pg_prepared_xacts, pg_catalog.pg_prepared_statements,
  pg_catalog.pg_seclabels, pg_catalog.pg_timezone_abbrevs, pg_catalog.pg_timezone_names,
  pg_catalog.pg_stat_all_tables, pg_catalog.pg_stat_xact_all_tables, pg_catalog.pg_stat_sys_tables,
  pg_catalog.pg_stat_xact_sys_tables, pg_catalog.pg_stat_user_tables, pg_catalog.pg_stat_xact_user_tables,
  pg_catalog.pg_statio_all_tables, pg_catalog.pg_statio_sys_tables, pg_catalog.pg_statio_user_tables,
  pg_catalog.pg_stat_all_indexes, pg_catalog.pg_stat_sys_indexes, pg_catalog.pg_stat_user_indexes,
  pg_catalog.pg_statio_all_indexes, pg_catalog.pg_statio_sys_indexes, pg_catalog.pg_statio_user_indexes,
  pg_catalog.pg_statio_all_sequences, pg_catalog.pg_statio_sys_sequences, pg_catalog.pg_statio_user_sequences,
  pg_catalog.pg_stat_activity, pg_catalog.pg_stat_replication, pg_catalog.pg_stat_slru,
  pg_catalog.pg_stat_wal_receiver, pg_catalog.pg_stat_recovery_prefetch, pg_catalog.pg_stat_subscription,
  pg_catalog.pg_stat_ssl, pg_catalog.pg_stat_gssapi, pg_catalog.pg_replication_slots,
  pg_catalog.pg_stat_replication_slots, pg_catalog.pg_stat_database, pg_catalog.pg_stat_database_conflicts,
  pg_catalog.pg_stat_user_functions, pg_catalog.pg_stat_xact_user_functions, pg_catalog.pg_stat_archiver,
  pg_catalog.pg_stat_bgwriter, pg_catalog.pg_stat_checkpointer, pg_catalog.pg_stat_io, pg_catalog.pg_stat_wal,
  pg_catalog.pg_stat_progress_analyze, pg_catalog.pg_stat_progress_vacuum, pg_catalog.pg_stat_progress_cluster,
  pg_catalog.pg_stat_progress_create_index, pg_catalog.pg_stat_progress_basebackup,
  pg_catalog.pg_stat_progress_copy, pg_catalog.pg_user_mappings, pg_catalog.pg_stat_subscription_stats,
  pg_catalog.pg_wait_events to public;
