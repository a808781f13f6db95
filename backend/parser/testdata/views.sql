-- One query a line: each is analyzed as a view and its tree compared.
select 1 as x
select * from a
select a.* from a, b
select id, name||'x' nn, v||name vn from a where id = 5
select a.id, b.q from a join b on a.id = b.aid
select * from a left join b on a.id = b.aid
select * from a full join b using (id)
select * from a natural join b
select * from a right join b using (id) order by 1
select id, x.w from a left join (b join g using (id)) x using (id)
select j.* from (a join b using (id)) as j(k1,k2)
select ju.id, a.name from a join b using (id) as ju
select t1.id from a t1, lateral (select * from b where b.aid = t1.id limit 3) s
select count(*), sum(n), avg(f8), max(name), min(ts) from a
select name, count(*) from a group by name having count(*) > 1 order by 2 desc nulls last
select name, count(distinct v), string_agg(v, ',' order by id) from a group by 1
select id, name, count(*) from a group by id
select upper(name), sum(n+1) from a group by upper(name)
select name, v, count(*) from a group by rollup(name, v)
select name, v, grouping(name,v), sum(id) from a group by grouping sets ((name),(v),())
select name, v, b from a group by cube(name,(v,b))
select distinct name, v from a
select distinct on (name) name, v from a order by name, v desc
select row_number() over (), rank() over (partition by name order by n desc), sum(n) over w from a window w as (order by ts rows between 1 preceding and current row)
select sum(n) over (order by id range between 5 preceding and 3 following), lag(id,1) over (order by d), first_value(name) over (partition by b order by id groups current row exclude ties) from a
select sum(f8) over (order by ts range between interval '1 day' preceding and current row) from a
select count(*) filter (where b) from a
select percentile_cont(0.5) within group (order by f8) from a
select rank('x', 5) within group (order by name, id) from a
select mode() within group (order by name) from a
select * from a where id in (1,2,3) and name not in ('a','b')
select * from a where id in (select aid from b) and exists (select 1 from b where b.aid = a.id)
select * from a where (id, name) in (select aid, t from b)
select * from a where id = any(arr) and id <> all(array[1,2,3]) and name like any (array['a%','b%'])
select (select max(q) from b where b.aid = a.id) mq, array(select aid from b) ar from a
select * from a where (id, name) = (1, 'x') and (id, n) < (5, 2.5) and row(id,name) <> row(2,'c')
select * from a where (id,n) > (select aid, q from b limit 1)
select * from a where id between 1 and 10 and n not between 1.5 and 2 and d between symmetric '2020-01-01' and '2019-01-01'
select * from a where name is distinct from v and b is not distinct from true and id is not null
select b is true, b is not false, b is unknown, name is null, c is null, not b from a
select case when id > 1 then 'a' when id < 0 then v else null end, case name when 'x' then 1 when 'y' then 2.5 end from a
select coalesce(name, v, 'z'), nullif(id, 5), greatest(id, 3, n), least(name, v) from a
select id::text, name::varchar(3), '5'::int, cast(n as int), id::float8, '2020-01-01'::date, n::numeric(5,1), i8::int2, v::char(2), 'x'::mood, '{1,2}'::int[] from a
select arr[1], arr[1:2], tarr[2:], arr[id], jb['a'], jb[1], (c).x, (c).y, c from a
select array[1,2,3], array[[1,2],[3,4]], array[]::text[], array['a',v] , array[id, n] from a
select row(1,'a',id), row(a.*), (1,2) from a
select a from a
select a, b from a, b where a.id = b.id
select row_to_json(a), to_json(a.*) from a
select jb->'a'->>'b', jb #> '{a,b}', jb @> '{"x":1}', jb ? 'k' from a
select ts + interval '1 day', d - 5, d - date '2020-01-01', tz at time zone 'UTC', extract(year from ts), date_trunc('month', ts), age(ts), iv * 2, now() from a
select current_date, current_timestamp(3), localtime, current_user, session_user, current_catalog, current_schema, localtimestamp(2)
select substring(name from 2 for 3), position('a' in name), trim(both 'x' from name), overlay(name placing 'x' from 1), trim(name), substring(name from 'a.c'), substring(name similar 'a#"b#"' escape '#') from a
select name like 'a%', name ilike 'b', name similar to 'a(b|c)', name ~ 'x', name not like 'q' escape '\', v ~~ 'z' from a
select -id, +n, id % 3, id ^ 2, |/ f8, @ id, id & 3, id << 2, n / 3, i2 + i8, f8 * id, i2 * 2 from a
select 'x' || name || id || 5 from a
select name collate "C" < v collate "C", name collate "POSIX" from a order by name collate "C"
select t < w, t || w from b
select lower(t), max(t), t from b group by t order by t
select * from a order by name desc, 2, id + 1 limit 10 offset 5
select name as nn from a order by nn
select name from a order by length(name), v
select id from a limit all
select id from a order by id fetch first 3 rows with ties
select * from a for update
select * from a, b for share of b nowait
select * from (select id from a) s for no key update skip locked
select id from a union select aid from b
select id, name from a union all select 5, 'x' order by 1
select id from a intersect select aid from b except select 3
(select id from a order by 1 limit 1) union all (select aid from b)
select 1 as x union select 2.5 union select null
select 'a' union all select name from a union all select v from a
select null union select null
with q as (select id, name from a where id > 5) select * from q, q q2
with q(x,y) as (select id, name from a), r as (select x from q) select * from r
with recursive r(n) as (select 1 union all select n+1 from r where n < 10) select * from r
with recursive t as (select id, name, 1 as depth from a where id = 1 union select b.aid, t.name, depth+1 from b join t on b.id = t.id) select * from t order by depth
with q as materialized (select 1 as one), z as not materialized (select 2 two) select * from q, z
values (1,'a'),(2,'b')
values (1,null),(2.5,'x') order by 1 desc
select * from (values (1,'a'),(2,'b')) v(n,s)
select * from generate_series(1,10) g
select * from generate_series(1,10) with ordinality as t(x,o)
select g from generate_series(1,5) g
select * from frow(1)
select * from frow(1) fr where fr.id > 1
select * from fout(1)
select * from fout(1) as z(p,q)
select * from ftab(2) f
select f from fout(2) f
select (fout(3)).*
select (fout(3)).o2, (frow(1)).name
select * from frec() as r(x int, y text collate "C")
select * from rows from (generate_series(1,3), fset(2)) as t(p,q)
select * from rows from (frec() as (aa int, bb int), fset(1)) with ordinality
select * from unnest(array[1,2], array['a','b']) u(x,y)
select unnest(arr), fset(id) from a
select fset(fset(id)) + 1 from a
select x from fset(3) x
select * from a, fset(a.id) s
select * from a cross join lateral generate_series(1, a.id)
select f1(id), f1(id,'q'), f2(1), f2(1,2), f2(a => 1, c => 'z'), f2(1, c := 'k'), fv(1,2,3), fv(variadic arr) from a
select fpoly(1, array[2]), fpoly(name, tarr) from a
select array_append(arr, 5), array_cat(arr, '{1}'), arr || 5, 6 || arr, arr || arr, array_agg(id), array_agg(arr) from a group by arr
select concat(1,'a',id), format('%s', name), coalesce(null, 1), num_nulls(id, name) from a
select p + 1, p::int, vt || 'x', 5::posint, vt::text, length(vt) from a
select u = '00000000-0000-0000-0000-000000000000', by || '\x00', ip << '10.0.0.0/8', rg && '[1,2)'::int4range, nm = 'x', ch = 'a' from a
select m = 'sad', m > 'ok'::mood, array[m, 'ok'] from a
select 1, 1.5, 99999999999, 1e10, 'str', b'101', x'1F', true, null, 0x1F, 1_000, 99999999999999999999999
select date '2020-01-01', timestamp '2020-01-01 10:00', interval '1 day', interval '5' hour, interval(3) '1.23456', time '10:00', timestamptz '2020-01-01 00:00+00', numeric '1.5', bool 't'
select interval '1 year 2 mons' year to month, cast('1' as interval day to second(2))
select id as "Weird Col", name "select" from a "T x"
select a.id as x, (select b.id from b where b.aid = a.id order by 1 limit 1) from a where a.id > (select avg(id) from a a2 where a2.name = a.name)
select * from (select id, count(*) over () c from a) s where c > 1
select sum(x) from (select sum(id) x from a group by name) s
select max(id) - min(id) from a where b group by name order by count(*)
select a1.id from a a1 join a a2 on a1.id = a2.id left join b on (b.aid = a1.id and b.q > 5) where a2.name = 'x'
select count(*) from a group by ()
select exists(select 1), 1 = any(select id from a), 1 < all(select id from a), (1,'x') in (select id, name from a)
select ctid, tableoid, xmin, a.ctid from a
select tableoid::regclass, 'a'::regclass, 'f1'::regproc, 'int4'::regtype from a
select nextval('s1'::regclass), pg_typeof(id), pg_typeof(name) from a
select bool_and(b), every(b), bit_and(id), array_agg(name order by id desc, name), json_agg(a), string_agg(name, v) from a
select name from a where id = 1 and (b or name = 'x' and not v = 'y') or n > 5
select (a).id, (a.c).x, (a).c.y from a
select overlaps.* from (select (ts,ts) overlaps (ts, interval '1 day') from a) overlaps
select (d, d) overlaps (d, d) from a
select ts at local, timezone('UTC', ts), name is normalized, normalize(name) from a
select id from a tablesample bernoulli (10) repeatable (5)
select * from g
select g.*, b.* from g cross join b
select count(*) as c, name from a group by name, id order by c, id
select a.id, a.name, b.q from a join b on a.id = b.aid group by a.id, b.q
select length(name) l, count(*) from a group by l having length(name) > 2 order by l
select name n2, v from a group by n2, v order by n2 || v
select case when count(*) > 0 then sum(id) else 0 end from a
select sum(distinct id), count(distinct (id, name)) from a
select x.id, y.* from a x left join lateral (select b.q, x.id as xi from b where b.aid = x.id) y on true
select coalesce(a.id, b.id) cid from a full join b on a.id = b.id
select a.id from a full join b using (id) where id > 5 order by id
select id from a left join b using (id) group by id
select t1.id, t3.id from a t1 left join b t2 on t1.id = t2.aid left join a t3 on t3.id = t2.id
select i2 = 5, i8 > 5, f8 < 5, n = 5, i8 = 5000000000, i2 + 1 from a
select id from a where name = 'x'::text and v = 'y'::varchar and ch = 'z' and ch = 'z'::char(5) and nm = 'q'::name
select substr(v, 1, 2), char_length(ch), length(nm), lower(v), upper(ch) from a
select to_char(ts, 'YYYY'), to_date('2020', 'YYYY'), round(n, 2), round(f8), trunc(n), power(2, 3), power(2.0,3), sqrt(2), abs(id), mod(id, 3), ceil(n) from a
select (array[1,2,3])[2], (array[[1]])[1][1], ('{1,2}'::int[])[1:1], (select arr from a limit 1)[1]
select xx.yy.x from (select row(1,2) as xx0, c as yy from a) xx
select r.f1 from (select row(1,'a') as r) q(r) where (r).f1 = 1
select (r).f2 from (select row(1,'a'::text) r) s
select (s.*)::text from (select 1 a, 2 b) s
select s from (select 1 a, 2 b) s
select j from a join b on a.id=b.aid join (values(1)) j on true
select jsonb_build_object('a', id, 'b', name), jsonb_agg(jb), json_object_agg(id, name) from a group by id
select k, v from jsonb_each((select jb from a limit 1)) e(k,v)
select * from jsonb_to_recordset('[]') as x(a int, b text)
select * from json_populate_record(null::comp, '{}')
select width_bucket(5, 1, 10, 3), num from generate_series(1::numeric, 2, 0.5) num
select avg(n) over (partition by name), ntile(4) over (order by id), percent_rank() over w, nth_value(id, 2) over w from a window w as (partition by b), w2 as (w order by id)
select sum(id) over w2 from a window w as (partition by b), w2 as (w order by id)
select true and not false or null
select not exists (select from b)
select from a
select id from only a
select * from a natural left join b natural full join g
select * from (a join b using (id)) join g using (id)
select * from a full join b using (id) full join g using (id)
select id from a full join b using (id) group by id having id > 1
select a.id ai, b.id bi, count(*) from a full join b using (id) group by a.id, b.id, id
select x.* from (a left join b on a.id = b.aid) as x(a1,a2,a3) where a1 = 1
select ju from a join b using (id) as ju
select (ju).id from a join b using (id) as ju
select ju.* from a left join b using (id) as ju
select t.*, u.w from a t left join lateral (select b.w, b.q from b where b.aid = t.id order by q limit 1) u on true left join g on g.x = u.q
select count(*) over w, sum(count(*)) over (w rows 1 preceding) from a group by name window w as (order by name)
select name, sum(id) from a group by distinct rollup(name, v), rollup(name, b)
select name from a group by grouping sets (rollup(name, v), cube(name), ())
select grouping(upper(name)), upper(name) from a group by rollup(upper(name))
select upper(name) || 'x', lower(upper(name)) from a group by upper(name)
select (select count(*) from b where b.aid = a.id group by a.name) from a
select sum((select max(q) from b where b.aid = a.id)) from a
select (select sum(a.id) from b where b.id = 1) from a
select (select sum(a.id) + count(b.id) from b group by b.t limit 1) from a group by a.name
select a.name, (select max(b.q) from b where b.aid = a.id) from a group by a.id
select a.name, a.v, count(b.id) from a left join b on a.id=b.aid group by a.id order by count(b.id)
with recursive t(n, p) as (select 1, array[1] union all select n+1, p || n from t where n < 5) select * from t
with recursive t(n) as (values (1) union select n+1 from t where n < 5), u as (select * from t) select t.n, u.n from t, u
with recursive a1 as (select id, name from a union all select b.aid, a1.name from a1, b where b.id = a1.id), b1 as (select 1) select * from a1 where exists (select 1 from b1)
with w1 as (with w2 as (select 1 x) select * from w2) select * from w1
select * from (with w as (select 1 as one) select one from w) s
select (with w as (select a.id as one) select one from w) from a
select * from a where id in (with w as (select aid from b) select * from w)
(select 1 as x union select 2) intersect (select 2 union all select 3) order by x limit 5
select 1::int2 as x union select 2::int8 union select 3.5
select 'a'::varchar(5) as x union all select 'b'::varchar(5)
select 'a'::varchar(5) as x union all select 'b'::varchar(6)
select name from a union select v from a order by name
select null as x union all select null union all select 1
select arr from a union select array[1]
select '{1}' union select arr from a
select distinct on (name, b) name, b, id from a order by b, name, id
select distinct a from a
select * from a order by (id), -id, name nulls first, v desc nulls last, ts using >
select name, id from a order by 2, name
select sum(id) s from a having sum(id) > 5
select 1 having true
select count(*), 1 from a
select array(select id from a order by name), array(select arr from a)
select id, (id, name) = any (select id, name from a) from a
select id from a where (id, name) = any (select aid, t from b)
select id from a where not (id, name) in (select aid, t from b)
select id from a where (id, n) <= all (select aid, q from b)
select id from a where id = some (array[1,2])
select id from a where (id, name) in ((1,'a'),(2,'b'))
select id from a where (id, name) not in ((1,'a'),(2,'b'))
select row(id, name) in (row(1,'a')) from a
select row(id,name)::text, row(1,'x')::comp, (1,'x')::comp from a
select c = row(1,'x')::comp, c is null, c is not null, row(c.x) from a, lateral (select (a.c).*) c(x,y)
select (row(1,'x')::comp).x, (c).*  from a
select a.*::text from a
select a::text, to_jsonb(a), row_to_json(r) from a, (select 1 p, 2 q) r
select array_agg(a), array_agg(row(id,name)), max(c) from a group by id
select jsonb_agg(distinct jb order by jb), count(distinct name) filter (where b) from a
select cast(arr as text[]), arr::float8[], tarr::varchar(3)[], '{1,2}'::int2[], arr::text from a
select array[1,2.5], array[null, 1], array['a'::varchar, 'b'::text], array[d, ts] from a
select array[arr, arr], array[array[1], arr], array[[id, 1],[2,3]] from a
select arr[1][2], arr[1:2][3:4], arr[:2], arr[1:], arr[:] from a
select '2020-01-01' < d, d = '2020-01-01', ts > d, tz - ts, d + time '10:00', d + iv, ts - '1 day', iv / 2, tz + '1 hour' from a
select i2 + 1.5, i2 * i8, i2 / f8, n * f8, n + i8, -i2, -n, id || '', 1 || name, n::text || id from a
select n = 1, n = 1.0, f8 = 1, f8 = n, i8 = id, i2 = i8, id = 1.5, id = '5', n > '5.5', d > '2000-01-01' from a
select name > v, name = ch, v = ch, nm = name, nm || 'x', ch || 'x', ch like 'x%', nm like 'x%', v similar to 'x' from a
select least(i2, i8, n), greatest(name, v), coalesce(v, name, 'x'), nullif(n, 1), nullif(v, 'x'), case when b then v else name end, case i2 when 1 then 'a' when 2.5 then 'b' end from a
select case when b then 1 when not b then 2.5 else null end, case when b then null else d end, case b when true then i2 else i8 end from a
select name between 'a' and v, id not between i2 and i8, n between symmetric 1 and id from a
select id in (1, 2.5), id in (i2, i8), name in ('a', v), n in (1, 2), i8 in (1,2,3), d in ('2000-01-01', now()), id in (5), id in (id, 5, 6) from a
select b and (not b or name is null) is true, (id = 1) = b, b > false, not (b is unknown) from a
select substring(name, 2), substring(name for 3), substring(by from 2 for 1), trim(leading from name), ltrim(name, 'x'), position('x' in v), overlay(by placing '\x00' from 1), left(name, 2), strpos(v, 'x') from a
select extract(epoch from iv), extract(dow from d), extract(hour from ts), date_part('day', tz), extract(year from tz), to_timestamp(5), make_date(1,2,3), age(d), age(tz, now()) from a
select now() - ts, now()::date, current_timestamp::text, 'now'::timestamp, 'today'::date, localtimestamp - interval '1 hour', timeofday() from a
select round(f8::numeric, 2), round(n), trunc(5.5), floor(f8), power(f8, 2), 2 ^ 3, 5 % 2, mod(5, 2.5), log(n), ln(f8), exp(1), sign(n), div(5, 2), gcd(4, 6) from a
select coalesce(sum(n), 0), avg(i2), avg(i8), sum(i2), sum(i8), sum(iv), max(d), min(ch), stddev(n), var_pop(f8), corr(f8, n), bool_or(b), count(a), count(a.*) from a
select lag(name) over w, lead(n, 2, 0) over w, first_value(id) over w, last_value(id) over (w rows between unbounded preceding and unbounded following), cume_dist() over w, dense_rank() over (order by d desc) from a window w as (partition by b, v order by id, name desc)
select sum(n) over (order by d range between '1 day' preceding and '1 mon' following), count(*) over (order by id rows 2 preceding), avg(f8) over (order by f8 range between 1.5 preceding and current row exclude current row) from a
select count(*) over (partition by name), count(*) over (partition by name), sum(id) over (partition by name order by id), rank() over (partition by name order by id) from a
select * from generate_series('2020-01-01'::timestamp, '2020-02-01', '1 day') d(x)
select * from unnest(array['a','b']) with ordinality, unnest(array[1,2]) as z
select * from regexp_split_to_table('a b', ' ') as w, string_to_table('a,b', ',') q
select a.id, e from a, unnest(a.arr) e where e > 1
select id, unnest(tarr) t, generate_series(1, id) from a order by t
select * from json_each_text('{"a":1}') j, jsonb_array_elements('[1]') e
select * from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.relkind = 'r' and n.nspname !~ '^pg_'
select relname, pg_relation_size(oid), relnamespace::regnamespace from pg_class where oid = 'a'::regclass
select attname, format_type(atttypid, atttypmod), pg_get_expr(d.adbin, d.adrelid) from pg_attribute left join pg_attrdef d on (attrelid, attnum) = (adrelid, adnum) where attnum > 0 and not attisdropped
select p.oid::regprocedure, proargtypes[0], proargtypes::oid[], array_length(proargtypes, 1) from pg_proc p
select indkey[0], indkey::int2[], unnest(indkey) from pg_index
select relacl, acldefault('r', relowner), aclexplode(relacl) from pg_class
select oid, xmin, xmin::text, cmin, tableoid::regclass::text, ctid from pg_class
select "char" '5', 'r'::"char" = relkind, relkind in ('r','v') from pg_class
select 'abc'::name, 'abc'::bpchar, 'a'::char, 'abc'::char(2), "left"('abc', 2), 'x'::text::varchar(5)::char(3)
select 1::bool, true::int, 't'::bool, 1.5::int, '1.5'::numeric::int, 5::text, 5::char(1), 3.7::int8, 1e5::int
select 1 as "A", 2 as "select", 3 as a_b, 4 as "a b"
select f2(1, c => 'x'), f2(b => 2, a => 1), make_interval(days => 5), make_interval(1, hours => 2), jsonb_set('{}', '{a}', '1'), format('%s %s', 1, 'x'), concat_ws(',', 1, 'a', null), greatest(1), num_nonnulls(variadic array[1,2])
select fpoly(1.5, array[2.5]), array_position(tarr, 'x'), array_remove(arr, 1), array_to_string(arr, ','), cardinality(arr), array_prepend(1, arr), array_fill(0, array[2]), width_bucket(5, array[1,2]), array_replace(tarr, 'a', 'b') from a
select tz at time zone 'UTC' at time zone 'CET', ts at time zone interval '1 hour', time '10:00' at time zone 'UTC', timezone('UTC', tz) from a
select p, p + 1, p = 5, vt, vt || vt, upper(vt), vt = 'x', array_agg(p), max(vt), min(p) from a group by p, vt
select p::numeric, '5'::posint, 5::int::posint, null::posint, vt::varchar(2), 'abc'::vtext, coalesce(p, 5), case when b then p else 5 end from a
select * from a where exists (select * from b where b.aid = a.id and exists (select 1 from g where g.x = b.aid and g.y = a.id))
select name collate "C", name || v collate "C", lower(name collate "C"), (name collate "C") < 'x', max(name collate "POSIX"), array_agg(name collate "C") from a group by name, v
select t, t || 'x', t || t, t < 'x', lower(t), case when true then t end, coalesce(t, 'x'), array[t, 'y'], (select t) from b
select t from b union select t from b order by t
select t from b union all select 'x'
select max(t), string_agg(t, ',' order by t), t = any(array[t]), t in ('a','b'), row(t, w) < row('a','b') from b group by t, w
select id from a for update of a skip locked
select * from a join b on a.id = b.aid for no key update of a for key share of b
select * from (select * from a for share) s for update
select id from a limit 5 offset 2
select id from a limit (select 5)
select id from a order by id fetch first row only
select id from a offset 1 rows fetch next 2 rows only
select from a where false
select count(distinct a.*) from a
select 1 from (values (1, 'a'), (2, null)) v(x, y) join (values (1.5)) w on true
select * from (values (array[1], null), (null, 'x'::text)) v
values (1, 2.5), ('3', 4) order by 1 limit 1
values (now(), current_date), ('2020-01-01', '2020-01-02')
select s.a, s.b from (select 1 as a, 'x' as b) s
select s from (select id, name from a) s where s.id = 1
select (s).id from (select a from a) q(s)
select (s.r).f1, (s.r).f2 from (select row(id, name) as r from a) s
select (s.r).id, (s.r).name from (select a as r from a) s
select (f).o1 from (select fout(1) f) x
select z.* from a, lateral fout(a.id) z, lateral ftab(a.id) y(k2)
select * from frow(1) r, lateral (select r.id + 1 as k) s
select * from fset(1) as f(x) left join fset(2) as g(x) using (x)
select * from rows from (fout(1), ftab(2), generate_series(1,2)) as t(a,b,c,d,e)
select * from current_date d, lower('X') l, now() n
select * from only a, a as a2 tablesample system (50)
select coalesce(min(x), 0) from (select id as x from a union all select aid from b) s(x)
select x, count(*) from (select id % 3 from a) s(x) group by x order by x
select a.ctid, b.tableoid from a, b where a.ctid = b.ctid
