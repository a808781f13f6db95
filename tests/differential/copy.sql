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
copy c from '/nonexistent/file';
copy (select 1, null, 'a,b', E'new\nline', true, 1.5, array[1,2]) to stdout (format csv);
copy (select e'\\', e'\b\f\r\v', 'ü') to stdout;
