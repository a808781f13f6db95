-- COPY: options, malformed input, and the context of errors.
create table c (a int, b text, d date);
create table checked (a int check (a > 0), b int not null);
create unique index ci on checked (a);
copy c from stdin (format csv);
1,"unterminated
\.

copy c from stdin (format csv);
1,"a
b",2024-01-01
\.

copy checked from stdin;
1	1
2	1
2	3
\.

copy checked from stdin;
1	1
-2	1
2	3
\.

copy c from stdin (on_error ignore, log_verbosity verbose);
20	good	2024-01-01
bad	row	2024-01-01
21	good	nodate
\.

copy c from stdin (on_error ignore);
20	good	2024-01-01
bad	row	2024-01-01
\.

copy c from stdin (on_error ignore, log_verbosity silent);
20	good	2024-01-01
bad	row	2024-01-01
\.

copy c from stdin (on_error ignore, reject_limit 1);
20	good	2024-01-01
bad	row	2024-01-01
bad	row	2024-01-01
\.

copy c from stdin (reject_limit 1);
\.

copy c from stdin (on_error ignore, reject_limit 0);
\.

copy c from stdin (on_error ignore, reject_limit x);
\.

copy c from stdin (on_error nope);
\.

copy c from stdin (log_verbosity nope);
\.

copy c from stdin (format binary, on_error ignore);
\.

copy c to stdout (on_error ignore);
copy c to stdout (reject_limit 3);
copy c to stdout (log_verbosity verbose);
copy c from stdin;
1	foo
\.

copy c from stdin (on_error ignore);
1	foo
\.

copy c from stdin;
1	xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxäääääääääääääxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx
\.

copy c from stdin;
axxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxäääääääääääääxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx	1	1
\.

copy c from stdin (force_null (a));
\.

copy c from stdin (format csv, force_null (a, b), null 'x', default 'y');
"x","x",y
y,y,2024-01-01
x,"x",y
"y",a,x
\.

select * from c;
copy c from stdin (format csv, header);
\.

copy c from stdin (format csv, header maybe);
\.

copy c from stdin (format csv, quote 'ab');
\.

copy c from stdin (format text, quote '"');
\.

copy c from stdin (header match);
a	b
1	2
\.

copy c from stdin (encoding 'nosuch');
\.

copy c from stdin (encoding 'latin1');
1	x	\N
\.

copy c to stdout (format csv, force_quote (nosuch));
copy c to stdout (format csv, force_quote (a), header);
copy nosuch from stdin;
copy nosuch to stdout;
copy (select 1; select 2) to stdout;
copy (update c set a = 1) to stdout;
copy (create table x (a int)) to stdout;
copy c (a, a) from stdin;
\.

create view v as select * from c;
copy v to stdout;
copy v from stdin;
\.

copy c from stdin where nosuch = 1;
\.

copy c from stdin where sum(a) > 1;
\.

copy c from stdin where a in (select 1);
\.

copy c from stdin (format csv, escape '\');
1,"a\"b",
\.

copy c from stdin (delimiter 'a');
\.

copy c from stdin (null E'\n');
\.

copy c from stdin (format csv, freeze);
\.

copy c from stdin (format text, format csv);
\.

copy c to stdout (header match);
copy c from stdin csv null as 'NULL' quote as '''';
1,'a b',NULL
\.

copy c from stdin;
1	\x41\101\t\.	2024-01-01
\.

copy (select * from c order by a, b limit 3) to stdout (header);
copy (values (1, 'a'), (2, null)) to stdout (format csv, null 'nil');
