-- One statement a line; nearly all of them fail.
select nosuch from a
select a.nosuch from a
select nmae from a
select a.nmae from a
select x.id from a
select b.id from a
select a.id from a x
select id from a, b
select fs.a.id from a, fs.b b
select nosuchdb.fs.a.id from a
select a.b.c.d.e from a
select * from nosuch
select * from nosch.t
select * from fs.nosuch
select nosuch(1)
select f1('a','b','c') from a
select f1(name) from a
select upper(1, 2)
select lower(id) from a
select id + name from a
select id || b from a
select -name from a
select name + 1 from a
select 'a' + 'b'
select 1 + 'abc'
select id = name from a
select id = 'abc' from a
select * from a where id
select * from a where name
select * from a having id > 5
select id, count(*) from a
select name, count(*) from a group by v
select count(*) from a where count(*) > 1
select sum(sum(id)) from a
select sum(id) from a group by sum(id)
select row_number() from a
select row_number() over () from a where row_number() over () > 1
select sum(id) over w from a
select lower(name) over () from a
select count(distinct id) over () from a
select 1 from a group by 5
select id from a order by 5
select id from a order by 'x'
select distinct name from a order by id
select distinct on (name) name from a order by id
select id from a union select name from a
select id, name from a union select id from a
select id from a union select aid from b order by q
select id from a union select aid from b order by id + 1
select 1 union select 'x'
select (select id, name from a)
select * from a where id in (select id, name from a)
select * from a where (id, name) in (select id from a)
select * from a where (1,2) = (1,2,3)
select case when id then 1 end from a
select case when true then 1 else 'x' end
select case when true then 1 else name end from a
select coalesce(1, 'x')
select coalesce(id, name) from a
select array[1, 'x']
select array[id, name] from a
select array[]
select '5'::nosuchtype
select 5::posint::json
select id::json from a
select true::timestamp
select b::date from a
select cast(id as comp) from a
select (c).z from a
select (id).x from a
select id.x from a
select name[1] from a
select arr['x'] from a
select arr[1.5] from a
select jb[1:2] from a
select * from a limit 'x'
select * from a limit id
select * from a offset -1 + id
select * from f1(1) as x(a int)
select * from frec()
select * from frow(1) as x(a int, b int)
select * from fset(1) with ordinality as x(a,b,c)
select * from fset(1, 2)
select * from a a, b a
select * from a join b using (nosuch)
select * from a join b using (name)
select * from a join b on a.id = c.id
select * from a, (select * from b where b.aid = a.id) s
select * from a full join lateral (select a.id) s on true
select * from a right join lateral (select a.id) s on true
select * from (select 1) as s(a,b)
select * from a as x(c1,c2,c3,c4,c5,c6,c7,c8,c9,c10,c11,c12,c13,c14,c15,c16,c17,c18,c19,c20,c21,c22,c23,c24,c25,c26,c27,c28)
with q as (select 1) select * from q, r
with q as (select * from r), r as (select 1) select * from q
with q as (select 1), q as (select 2) select 1
with q(a,b) as (select 1) select * from q
with recursive r as (select 1 union all select * from r, r r2) select * from r
with recursive r as (select * from r) select * from r
with recursive r(n) as (select 1 union all select n + 1.5 from r) select * from r
with recursive r(n) as (select 1 union all select n+1 from r order by 1) select * from r
with recursive r(n) as (select 1 union all select count(*)::int from r) select * from r
with recursive r(n) as (select 1 union all select id from a left join r on true) select * from r
with recursive r(n) as (select 1 union all (select id from a except select n from r)) select * from r
with recursive x as (select * from y), y as (select * from x) select * from x
with recursive r(n) as (select n from r union all select 1) select * from r
insert into nosuch values (1)
insert into a (nosuch) values (1)
insert into a (id, id) values (1, 2)
insert into a (id) values (1, 2)
insert into a (id, name) values (1)
insert into a values ('x', 'y', 'z')
insert into a (id, name) values (name, 'x')
insert into a (id, name) values (1, 'a'), (2)
insert into a (id, name) select 1
insert into a (id, name) select 1, 2, 3
insert into a (b) values (5)
insert into a (d) values (5)
insert into a (ctid) values ('(0,1)')
insert into a (arr[1]) values ('x')
insert into a (c.z) values (1)
insert into a (id.z) values (1)
insert into g (id) values (5)
insert into g (y) values (5)
insert into g (id, y) values (5, 6), (7, 8)
update g set y = 5
update g set id = 5
update a set nosuch = 1
update a set a.name = 'x'
update a set id = 'x'
update a set id = 1, id = 2
update a set (id, name) = (1)
update a set (id, name) = (select 1)
update a set (id, name) = 5
update a set id = b.id from b where b.nosuch = 1
update a set id = (select max(id) from nosuch)
update a set id = sum(id)
update a set id = row_number() over ()
delete from a where nosuch = 1
delete from a using b where b.id = c.id
delete from a using a where a.id = 1
insert into a (id, name) values (1,'x') on conflict (nosuch) do nothing
insert into a (id, name) values (1,'x') on conflict do update set name = 'y'
insert into a (id, name) values (1,'x') on conflict (id) do update set nosuch = 'y'
insert into a (id, name) values (1,'x') on conflict on constraint nosuch do nothing
insert into a (id, name) values (1,'x') on conflict (id desc) do nothing
insert into a (id, name) values (1,'x') returning nosuch
insert into a (id, name) values (1,'x') returning with (old as o, old as p) o.id
insert into a default values returning excluded.id
select * from a for update of b
select * from a for update of fs.a
select count(*) from a for update
select distinct id from a for update
select id from a union select 1 for update
select id from a group by id for share
select * from (values (1)) v for update of v
select * from a join b on true as j for update of j
select 1 from a where id = any(5)
select 1 from a where id = any(tarr)
select 1 from a where id > all(name)
select f2(a => 1, a => 2)
select f2(a => 1, 2)
select f2(zz => 1)
select fv(variadic 1)
select concat(variadic 1)
select upper(distinct name) from a
select upper(*) from a
select count() from a
select percentile_cont(0.5) from a
select percentile_cont(0.5) over () from a
select sum(id) within group (order by id) from a
select mode(1) within group (order by id) from a
select sum(fset(id)) from a
select fset(sum(id)) from a group by fset(1)
select * from a where fset(1) > 1
select case when fset(1) > 1 then 1 end
select coalesce(fset(1), 1)
select 1 limit fset(1)
select name collate "nosuch" from a
select id collate "C" from a
select name collate "C" < name collate "POSIX" from a
select t < w collate "C" from b
select t || w from b order by 1
select t < w from b group by t < w
select max(t || w) from b
select greatest(t, w) from b
select numeric(5,2,3) '1'
select '1'::int(5)
select '1'::numeric(5000)
select '1'::varchar(0)
select 1::varchar(5)(6)
select interval '1' foo
select date 'garbage'
select 'garbage'::int
select int 'garbage'
select '999999999999'::int
select 1 from a where exists (select nosuch from b)
select (select nosuch from b) from a
select grouping(id) from a
select grouping(id) from a group by name
select rank() over (order by id rows between unbounded following and current row) from a
select sum(id) over (order by name range between 1 preceding and current row) from a
select sum(id) over (range between 1 preceding and current row) from a
select sum(id) over (groups between 1 preceding and current row) from a
select sum(id) over (rows 'x' preceding) from a
select sum(id) over (rows id preceding) from a
select sum(id) over (w order by id) from a window w as (order by name)
select sum(id) over (w partition by id) from a window w as (order by name)
select sum(id) over (nosuch) from a
select 1 from a window w as (order by id), w as (order by id)
select $1
select $1 + 1
select default
values (default)
values (1,2), (3)
select * 
select a.* .x from a
select nosuch.* from a
select a.*.b from a
select ctid.x from a
table nosuch
select current of
update a set id = 1 where current of nocursor
select * from a order by nosuch
select name as x from a where x = 'a'
select name as x from a group by y
select id as name, name from a order by name
select id as x, name as x from a order by x
select a.id, b.id from a, b order by id
select 1 as a, 2 as a order by a
select oid from a
select xmin + 1 from a
select name::nosch.nosuch from a
select nosch.nosuch(1)
select 1 operator(pg_catalog.+) 'x'
select 1 operator(fs.+) 1
select 1 === 1
select @@ 1
select 1 !
select not 1
select 1 and true
select 'x' and true
select null::int and true
select 1 is true
select row(1,2) < row(1)
select row(1,2) = 5
select row(1,2) is null, row(1,2) = row('a','b')
select row() = row()
select (1,2) between (1,2) and (3,4)
select m = 'nosuch' from a
select ip = 5 from a
select 'a' like 5
select 5 like 'a'
select 5 like 6
select substring(5 from 1)
select extract(foo from ts) from a
select extract(year from id) from a
select position(1 in 2)
select overlay('a' placing 1 from 2)
select array[[1,2],[3]]
select array[1] || 'x'
select array[1] || array['x']
select unnest(5)
select array_append(5, 5)
select array_append(array[1], 'x')
select fpoly(1, array['x'])
select fpoly('x', 'y')
select fpoly(null, null)
select nullif(1, 'x')
select nullif(id, name) from a
select greatest(1, 'x')
select greatest(id, name) from a
select 1 in (1, 'x')
select 1 in (select 'x')
select id in (name) from a
select id in (1, name) from a
select count(*) filter (where id) from a
select count(*) filter (where sum(id) > 1) from a
select id from a group by rollup(nosuch)
select max(id order by nosuch) from a
select string_agg(distinct name, ',' order by id) from a
select a.id from a group by a.name
select (select a.name from b limit 1), count(*) from a
select (select sum(a.id) from b) from a
select (select sum(a.id + b.id) from b) from a group by name
select 1 from b where sum(aid) > 1
select * from a join b on sum(a.id) > 1
select * from generate_series(1, sum(1))
select * from a, generate_series(1, c.id)
select jb -> 1.5 from a
select jb ->> true from a
call f1(1)
call nosuch(1)
select a.id, lateral from a
with x as (insert into b(id) values (1)) select * from x
select (with x as (insert into b(id) values (1) returning id) select * from x)
select * from a tablesample nosuch(1)
select * from a tablesample bernoulli(1,2)
select * from fset(1) tablesample bernoulli(1)
explain select nosuch from a
declare c scroll cursor with hold for select nosuch from a
