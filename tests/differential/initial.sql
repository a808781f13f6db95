-- What initdb says of the objects that every cluster has.
select classoid::regclass::text, count(*) from pg_init_privs group by 1 order by 1;
select c.oid::regclass::text, p.initprivs from pg_init_privs p join pg_class c on c.oid = p.objoid and p.classoid = 'pg_class'::regclass where p.objsubid = 0 and c.relnamespace = 'pg_catalog'::regnamespace order by 1;
select p.oid::regprocedure::text, i.initprivs from pg_init_privs i join pg_proc p on p.oid = i.objoid and i.classoid = 'pg_proc'::regclass order by 1;
select objoid::regnamespace::text, initprivs from pg_init_privs where classoid = 'pg_namespace'::regclass order by 1;
select objoid::regnamespace::text, description from pg_description where classoid = 'pg_namespace'::regclass order by 1;
select * from pg_shdescription where objoid < 16384 order by 1, 2;
