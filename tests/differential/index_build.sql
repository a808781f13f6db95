-- Indexes built over existing rows: order, nulls, types, uniqueness, expressions, spilling; read back through the index.
create table ib (id int, a int, b int8, c int2, t text, f float8, n numeric, d date, u uuid, nm name, long text);
insert into ib select g, case when g % 10 = 0 then null else (g * 7919) % 13 - 6 end, (g * 7919) % 1009 * 10000000000,
  g % 7, case when g % 11 = 0 then null else 'text ' || (g * 31 % 97)::text end,
  case g % 9 when 0 then 'NaN' when 1 then 'Infinity' when 2 then null when 3 then '-Infinity' else (g % 23) / 8.0 end,
  case g % 8 when 0 then 'NaN' when 1 then null else (g % 29) * 1.5 end, date '2024-01-01' + g % 31, md5((g % 40)::text)::uuid,
  ('n' || g % 17)::name, case when g % 50 = 0 then repeat(g::text, 300) else repeat('x', g % 200) end
  from generate_series(1, 1000) g;
create index ib_a on ib (a, id);
create index ib_ad on ib (a desc nulls last, id desc);
create index ib_b on ib (b);
create index ib_c on ib (c, t, id);
create index ib_t on ib (t, id) include (a);
create index ib_td on ib (t desc, id);
create index ib_f on ib (f, id);
create index ib_fd on ib (f desc, id);
create index ib_n on ib (n, id);
create index ib_d on ib (d, a);
create index ib_u on ib (u, id);
create index ib_nm on ib (nm, id);
create index ib_long on ib (long, id);
create index ib_e on ib ((a + c), lower(t), id);
create index ib_p on ib (id) where a > 2;
analyze ib;
set enable_seqscan = off;
set enable_sort = off;
set enable_incremental_sort = off;
select md5(string_agg(id::text, ',')) from (select id from ib order by a, id) s;
select md5(string_agg(id::text, ',')) from (select id from ib order by a desc nulls last, id desc) s;
select md5(string_agg(b::text, ',')) from (select b from ib order by b) s;
select md5(string_agg(id::text, ',')) from (select id from ib order by c, t, id) s;
select md5(string_agg(id::text, ',')) from (select id from ib order by t, id) s;
select md5(string_agg(id::text, ',')) from (select id from ib order by t desc, id) s;
select md5(string_agg(id::text, ',')) from (select id from ib order by f, id) s;
select md5(string_agg(id::text, ',')) from (select id from ib order by f desc, id) s;
select md5(string_agg(id::text, ',')) from (select id from ib order by n, id) s;
select md5(string_agg(d || '/' || coalesce(a::text, '-'), ',')) from (select d, a from ib order by d, a) s;
select md5(string_agg(id::text, ',')) from (select id from ib order by u, id) s;
select md5(string_agg(id::text, ',')) from (select id from ib order by nm, id) s;
select md5(string_agg(id::text, ',')) from (select id from ib order by long, id) s;
select md5(string_agg(id::text, ',')) from (select id from ib order by a + c, lower(t), id) s;
select count(*) from ib where a > 2 and id < 500;
select id from ib where t = 'text 5' order by id limit 5;
select id from ib where f = 'NaN' order by id limit 3;
select count(*) from ib where a is null;
select count(*) from ib where long = repeat('150', 300);
create unique index ib_id on ib (id);
create unique index ib_dup on ib (a, c);
create unique index ib_dup on ib (t);
create unique index ib_nulls on ib (a) where a is null;
create unique index ib_nulls2 on ib (a) nulls not distinct where a is null;
insert into ib (id) values (1);
set maintenance_work_mem = '64kB';
create table ibig as select g as id, (g * 7919) % 1009 as k, 'value ' || (g * 31 % 4001)::text as t from generate_series(1, 20000) g;
create index ibig_k on ibig (k, id);
create unique index ibig_t on ibig (t, id);
create unique index ibig_dup on ibig (t);
select md5(string_agg(id::text, ',')) from (select id from ibig order by k, id) s;
select md5(string_agg(id::text, ',')) from (select id from ibig order by t, id) s;
select count(*) from ibig where k = 77 and id > 10000;
drop table ib, ibig;
