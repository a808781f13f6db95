-- What views.sql, dml.sql and errors.sql use.
drop schema if exists fs cascade; create schema fs; set search_path = fs, public; create sequence s1;
create type mood as enum ('sad','ok','happy'); create type comp as (x int, y text); create domain posint as int check (value > 0); create domain vtext as varchar(5);
create table a(id int primary key, name text not null, v varchar(10) default 'abc', n numeric(10,2), f8 float8, ts timestamp, tz timestamptz, d date, b bool, arr int[], tarr text[], j json, jb jsonb, m mood, c comp, p posint, u uuid, iv interval, ch char(5), nm name, i8 int8, i2 int2, by bytea, ip inet, rg int4range, vt vtext);
create table b(id int, aid int, q numeric, t text collate "C", w varchar(20));
create table g(id int generated always as identity, x int, y int generated always as (x*2) stored, z text default 'zz'||'y', unique(x));
create function f1(int, text default 'x') returns int language sql as 'select $1';
create function f2(a int, b int default 5, c text default 'q') returns text language sql as 'select $3';
create function fv(variadic int[]) returns int language sql as 'select 1';
create function fset(int) returns setof int language sql as 'select $1';
create function frow(int) returns setof a language sql as 'select * from fs.a';
create function fout(in i int, out o1 int, out o2 text) returns record language sql as 'select 1, ''x''';
create function ftab(int) returns table(k int, l text) language sql as 'select 1, ''x''';
create function fpoly(anyelement, anyarray) returns anyelement language sql as 'select $1';
create function frec() returns setof record language sql as 'select 1,2';
create function v(text) returns text language sql as 'select $1';
