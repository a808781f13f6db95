-- Sorting: every kind of key, nulls, ties, top-N, spilling, and rows that are not sorted as bytes.
create table srt (id int, a int, b int8, f float8, n numeric, t text, by bytea, u uuid, d date, bo bool, nm name);
insert into srt select g, (g * 37) % 11, case when g % 9 = 0 then null else (g::int8 * 7919) % 101 - 50 end,
  case g % 13 when 0 then 'NaN' when 1 then 'Infinity' when 2 then '-Infinity' when 3 then null when 4 then 0 when 5 then '-0' else (g % 17) / 4.0 - 2 end,
  case g % 11 when 0 then 'NaN' when 1 then null when 2 then 'Infinity' when 3 then '-Infinity' when 4 then 0 else ((g % 19) - 9) * 1.25 end,
  case when g % 7 = 0 then null else 'text ' || (g % 23)::text end,
  decode(lpad(to_hex((g * 31) % 251), 2, '0'), 'hex'), md5((g % 50)::text)::uuid, date '2024-01-01' + (g % 40),
  case when g % 5 = 0 then null else g % 2 = 0 end, ('n' || g % 12)::name
  from generate_series(1, 500) g;
select id from srt order by a, id;
select id, b from srt order by b, id limit 40;
select id, b from srt order by b desc, id limit 80;
select id, b from srt order by b nulls first, id desc limit 70;
select id, b from srt order by b desc nulls last, id;
select id, f from srt order by f, id;
select id, f from srt order by f desc, id limit 60;
select id, n from srt order by n, id;
select id, n from srt order by n desc nulls last, id limit 60;
select id, t from srt order by t, id;
select id, t from srt order by t desc, id limit 80;
select id, t from srt order by t collate "C" desc nulls last, id desc limit 33;
select id, by from srt order by by desc, id limit 50;
select id, u from srt order by u, id limit 50;
select id, d from srt order by d desc, id limit 50;
select id, bo from srt order by bo, id desc;
select id, nm from srt order by nm desc, id limit 100;
select id, a, t, n from srt order by t, n desc, a, id;
-- ties: the rows that PostgreSQL's heap keeps, in the order it gives them
select id, a from srt order by a limit 5;
select id, a from srt order by a limit 50 offset 3;
select id, a from srt order by a desc limit 17;
select id, t from srt order by t limit 20;
select id, n from srt order by n desc limit 30;
select id, a from srt order by a fetch first 3 rows with ties;
select id, a from srt order by a limit 0;
select a from srt order by a limit 490;
select * from srt order by t desc nulls last, id limit 4;
-- expressions, constants, junk columns, duplicates of a column
select id from srt order by a + b, id limit 30;
select id, id, a from srt order by -a, id desc limit 9;
select t from srt order by length(t), t, id limit 30;
select 1 from srt order by 1 limit 3;
select x from (values (3), (null), (1), (2)) v(x) order by x desc;
select row(a, t) from srt order by row(a, t), id limit 12;
select array[a, id] from srt order by array[a, id] desc limit 12;
select x from unnest(array['b', 'a', null, '', 'ab', 'abc', 'abcdefg', 'abcdefh', 'abcdef']) x order by x;
select x from unnest(array['b', 'a', null, '', 'ab', 'abc', 'abcdefg', 'abcdefh', 'abcdef']) x order by x desc;
select x from unnest('{9223372036854775807,-9223372036854775808,9007199254740993,9007199254740992,0,-9007199254740993,null}'::int8[]) x order by x;
select x from unnest('{9223372036854775807,-9223372036854775808,9007199254740993,9007199254740992,0,null}'::int8[]) x order by x desc limit 3;
select x from unnest(array[1e100, -1e100, 1e-100, -1e-100, 0, 0.00, 123456789012345678901234567890.5, 123456789012345678901234567890.4, 99999999, 100000000, 1.10, 1.1, 1.09999999999]::numeric[]) x order by x;
select x from unnest(array[1e100, -1e100, 1e-100, -1e-100, 0, 'NaN', 123456789012345678901234567890.5, 123456789012345678901234567890.4]::numeric[]) x order by x desc limit 5;
select x from unnest(array['1 day', '24 hours', '1 mon', '-1 day', '30 days']::interval[]) x order by x, x::text;
select x from unnest(array['"b"', '1', 'null', '[1]', '{"a": 1}', 'true']::jsonb[]) x order by x;
select x from unnest(array['12:00', '00:00:00.000001', '23:59:59']::time[]) x order by x desc;
select x from unnest(array['infinity', '2024-02-29', '-infinity']::timestamp[]) x order by x;
select g, repeat('x', g) from generate_series(0, 200, 40) g order by repeat('x', g) desc;
-- spilling
set work_mem = '64kB';
create table srtbig as select g as id, (g * 7919) % 1009 as k, case when g % 50 = 0 then null else 'value ' || (g * 31 % 4001)::text end as t, ((g * 13) % 977) / 8.0 as n from generate_series(1, 20000) g;
analyze srtbig;
select count(*), min(rn), max(rn) from (select row_number() over () rn, id from (select id from srtbig order by k, id) s) z where id = 777;
select md5(string_agg(id::text, ',')) from (select id from srtbig order by k desc, id offset 0) s;
select md5(string_agg(coalesce(t, '-') || id::text, ',')) from (select t, id from srtbig order by t desc, id offset 0) s;
select md5(string_agg(coalesce(t, '-') || id::text, ',')) from (select t, id from srtbig order by t nulls first, id desc offset 0) s;
select md5(string_agg(n::text || '/' || id::text, ',')) from (select n, id from srtbig order by n, id offset 0) s;
select id, t from srtbig order by t desc, id limit 5;
select id, k, t, n from srtbig order by n desc, t, id limit 5 offset 3000;
select repeat(t, 40) = r as same, count(*) from (select t, repeat(t, 40) r from srtbig order by r desc, id) s group by 1 order by 1;
select md5(string_agg(l::text, ',')) from (select length(r) l from (select id, repeat(coalesce(t, 'null'), 1 + id % 30) r from srtbig) x order by r, id offset 0) s;
-- scrolled and rescanned
select g, (select id from srtbig where k = g order by t, id limit 1) from generate_series(1, 12) g order by g;
select g, s.id from generate_series(1, 3) g, lateral (select id from srtbig where k % 100 = g order by n desc, id limit 2) s order by g, s.id;
begin;
declare c cursor for select id, t from srtbig order by n, id;
fetch 3 from c;
fetch 2 from c;
commit;
reset work_mem;
select md5(string_agg(coalesce(t, '-') || id::text, ',')) from (select t, id from srtbig order by t desc, id offset 0) s;
explain (analyze, costs off, timing off, summary off, buffers off) select id from (values (1), (2)) v(id) order by id;
drop table srt;
drop table srtbig;
