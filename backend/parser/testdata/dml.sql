-- One statement a line, as bodies of SQL-standard functions of one integer argument.
insert into a (id, name) values (1, 'x')
insert into a values (1, 'x', default, 5)
insert into a (id, name) values (1, 'x'), (2, v('q')), (3, default)
insert into a (id, name) values (1, 'x'), (2, 'y'), (3, null) returning *
insert into a (id, name, n, d) values (1, 'x', 5, '2020-01-01'), (2, 'y', 2.5, now())
insert into a (id, name) select id, t from b
insert into a (id, name) select 1, 'lit'
insert into a (id, name) select id, 'lit' from b order by id limit 5
insert into a (id, name) values (1,'x') on conflict do nothing
insert into a (id, name) values (1,'x') on conflict (id) do nothing
insert into a (id, name) values (1,'x') on conflict (id) do update set name = excluded.name, n = a.n + 1 where a.id > 5 returning a.id, name
insert into a as t (id, name) values (1,'x'), (2,'y') on conflict (id) do update set (name, v) = (excluded.name, 'z'), n = default
insert into a (id, name) values (1,'x') on conflict on constraint a_pkey do update set name = 'q'
insert into a (id, name) values (1,'x') on conflict (id) where id > 5 do nothing
insert into a default values
insert into g (x) values (1), (2)
insert into g overriding system value values (1, 2)
insert into g (id, x) overriding user value values (1, 2), (3, 4)
insert into a (id, arr[1], arr[2]) values (1, 2, 3)
insert into a (id, arr[1], arr[2]) values (1, 2, 3), (4, 5, 6)
insert into a (id, c.x, c.y) values (1, 2, 'z')
insert into a (id, c.x, c.y) values (1, 2, 'z'), (2, 3, 'w')
insert into a (id, c) values (1, row(1,'x')), (2, (2,'y'))
insert into a (id, name) with q as (select 1 x, 'y' y) select * from q
with q as (select 1 x) insert into a (id, name) select x, 'z' from q
with q as (insert into b (id) values (1) returning id) insert into a (id, name) select id, 'x' from q
insert into a (id, name) values (1,'x') returning id as newid, name || 'q', old.id, new.name, a.*
insert into a (id, name) values (1,'x') returning with (old as o, new as n) o.id, n.*, o
insert into a (id, name) values ((select max(id) from a), 'x')
insert into a (id, p, vt, m) values (1, 5, 'abc', 'ok')
insert into a (id, p) values (1, 5), (2, 6)
insert into b (id, w) values (1, 'x'::text || 'y')
insert into b select 1
insert into b values (1, 2, 3, 'x', 'y'), (default, default, default, default, default)
insert into b (w, t) select name, v from a union all select 'x', 'y'
update a set name = 'x'
update a set name = 'x', n = n + 1 where id = 5
update a set name = default, n = null
update a set (name, v) = ('x', default)
update a set (name, v) = row('x', 'y'), id = 5
update a set (name, id) = (select t, aid from b where b.aid = a.id)
update a set (name, id) = (select t, aid from b), (v, n) = (select w, q from b limit 1)
update a set name = b.t from b where a.id = b.aid
update a t set name = u.name from a u, b where t.id = u.id and b.id = t.id returning t.*, u.id
update only a set arr[1] = 5, arr[2:3] = '{1,2}', c.x = 1, c.y = 'z'
update a set jb['a'] = '1', jb['b'][1] = '2'
update a set tarr[1] = v, p = p + 1, vt = 'x'
update a set name = upper(name) returning old.name, new.name, old.*, name
update a set n = (select sum(q) from b where b.aid = a.id) where exists (select 1 from b where b.aid = a.id)
with q as (select id from a limit 1) update a set name = 'x' from q where a.id = q.id
update g set id = default, y = default, x = 5
update a set id = i2, i2 = 5, i8 = 5, f8 = 1, n = 1, d = '2020-01-01', ts = now(), b = true
delete from a
delete from a where id = 5
delete from a using b where a.id = b.aid and b.q > 5 returning a.*, b.id
delete from only a t where exists (select 1 from b where b.aid = t.id) returning old.id, t
with q as (delete from b returning *) select * from q
with q as (update b set id = 1 returning *), r as (delete from a returning id) select q.*, r.id from q, r
with q as (select 1) delete from a where id in (select * from q)
select 1
select * from a where id = $1
