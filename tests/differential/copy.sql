-- COPY in all its formats.
create table c (a int, b text, d date);
copy c from stdin;
1	one	2024-01-01
2	\N	\N
3	with\ttab and \\ backslash\nnewline	2024-02-29
\.
copy c to stdout;
copy c (b, a) to stdout;
copy (select a, b from c order by a desc) to stdout;
copy c to stdout (format csv);
copy c to stdout (format csv, header, delimiter ';', null 'NULL', force_quote *);
copy c to stdout with csv header quote '''';
copy c to stdout (delimiter '|', null '-');
copy c from stdin (format csv);
4,"quoted, ""text""",2024-03-01
5,,
\.
copy c from stdin (format csv, header match);
a,b,d
6,six,2024-06-06
\.
copy c from stdin (format csv, header match);
a,x,d
7,seven,2024-06-06
\.
select * from c order by a;
copy c (a) from stdin;
10
\.
copy c from stdin;
x	y	2024-01-01
\.
copy c from stdin;
1	too few
\.
copy c from stdin;
1	too	2024-01-01	many
\.
copy c from stdin (format csv);
1,"unterminated
\.
copy c from stdin (on_error ignore, log_verbosity verbose);
20	good	2024-01-01
bad	row	2024-01-01
21	good	nodate
\.
copy c from stdin where a > 100;
99	no	2024-01-01
101	yes	2024-01-01
\.
select a, b from c where a >= 20 order by a;
copy c (nosuch) from stdin;
x
\.
copy c to stdout (format nosuch);
copy c to stdout (delimiter 'ab');
copy c to stdout (nosuch true);
copy c to stdout (format csv, delimiter E'\n');
copy (insert into c values (200, 'ret', null) returning a) to stdout;
create table checked (x int check (x > 0), y int primary key);
copy checked from stdin;
1	1
-1	2
\.
copy checked from stdin;
1	1
2	1
\.
select count(*) from checked;
copy (select 1, null, 'a,b', E'new\nline', true, 1.5, array[1,2]) to stdout (format csv);
copy (select e'\\', e'\b\f\r\v', 'ü') to stdout;
-- rows read where they stand, and rows that cannot be
create table cf (i2 int2, i4 int4, i8 int8, f float8, n numeric(8,2), m numeric, d date, t text, v varchar, v3 varchar(3), b bool);
copy cf from stdin;
1	2	3	4.5	6.25	7.125	2024-02-29	text	varchar	abc	t
-1	-2	-3	-4.5	-6.255	-7.0	0001-01-01	ä€𝄞	ü	äöü	f
\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N
0032767	 12 	+5	1e3	1e2	.5	2024-1-2	a\tb	\\	x	true
-32768	2147483647	9223372036854775807	-0	99999.995	123456789012345678901234567890.123	infinity		\N	 	no
0	-0	-0	0.1	-0.001	5.	epoch	\N	é	\N	1
7	-2147483648	-9223372036854775808	123456789012345	123456.78	0.000000000000001	9999-12-31	\x41\102	x\Ny	é	0
8	9	999999999999999	0.000000000000001	000001.50	-0.0	1999-12-31		 	\N	y
\.
select * from cf order by i2 nulls first, i4;
copy cf to stdout;
copy cf (i2) from stdin;
32768
\.
copy cf (i4) from stdin;
2147483648
\.
copy cf (i4) from stdin;
12a
\.
copy cf (i4) from stdin;

\.
copy cf (n) from stdin;
1234567.00
\.
copy cf (n) from stdin;
999999.995
\.
copy cf (d) from stdin;
2023-02-29
\.
copy cf (d) from stdin;
0000-01-01
\.
copy cf (f) from stdin;
1.2.3
\.
copy cf (v3) from stdin;
abcd
\.
copy cf (t, i4) from stdin;
swapped	1
\.
copy cf (t, i4) from stdin (null '');
	2
empty	
\.
copy cf (t, v) from stdin (delimiter '|', null 'NULL');
NULL|xNULL
a b|NULL
\.
select i4, t, v from cf where i2 is null and (i4 is not null or t is not null or v is not null) order by 1, 2, 3;
create table cn (a int not null, b text not null);
copy cn from stdin;
1	x
2	\N
\.
copy cn from stdin;
1	x
\N	y
\.
copy cn (a) from stdin;
1
\.
create table cl (id int, t text);
insert into cl select g, repeat('long text ', g) from generate_series(1, 300) g;
create table cl2 (id int, t text);
create index on cl2 (id);
copy cl2 from stdin;
1	aaaaaaaaaabbbbbbbbbbccccccccccddddddddddaaaaaaaaaabbbbbbbbbbccccccccccddddddddddaaaaaaaaaabbbbbbbbbbccccccccccdddddddddd123456
2	aaaaaaaaaabbbbbbbbbbccccccccccddddddddddaaaaaaaaaabbbbbbbbbbccccccccccddddddddddaaaaaaaaaabbbbbbbbbbccccccccccdddddddddd1234567
3	
\.
select id, length(t), md5(t) from cl2 order by id;
drop table cf, cn, cl, cl2;
copy (select * from (values (1::int2, -32768::int2, 0, -2147483648, 2147483647, 10, 9223372036854775807, '-9223372036854775808'::int8, 9007199254740991::int8, -4294967296, 4294967295::oid, 1e20::float8, -0.5::float8, 'ä	b'::text, date '2024-01-01')) v) to stdout;
copy (select -1, 99, 100, 123456789012, 'x', null::int) to stdout (format csv, force_quote *);
copy (select -1, 99, 100, 123456789012, 'x', null::int) to stdout (format csv, null '99');
copy (select -1, 99, 1.5::float8, 'a-b') to stdout (delimiter '-');
copy (select 7, 70) to stdout (format csv, delimiter '7');
copy (select 7, 70, '7') to stdout (format csv, quote '7');
