-- The three roles of one database: who migrates, who serves, who only reads. Run by a superuser, inside that database.
-- Passwords arrive as psql variables: owner_password, service_password, reader_password.
create role da_owner login createdb password :'owner_password';
create role da_service login password :'service_password';
create role da_reader login password :'reader_password';

alter database :"database" owner to da_owner;
revoke all on database :"database" from public;
grant connect, temporary on database :"database" to da_service;
grant connect on database :"database" to da_reader;

-- Nobody but owner and service may look into the schema of the tables.
alter schema public owner to da_owner;
revoke all on schema public from public;
grant usage on schema public to da_service;

-- What the migrations will create, the schema `analytics` among it: the service writes tables, the reader sees what
-- lies in schemas made for it. Views look into the tables with the rights of their owner.
alter default privileges for role da_owner grant usage on schemas to da_service, da_reader;
alter default privileges for role da_owner grant select, insert, update, delete on tables to da_service;
alter default privileges for role da_owner grant usage, select on sequences to da_service;
alter default privileges for role da_owner grant select on tables to da_reader;

alter role da_reader in database :"database" set search_path = analytics;
alter role da_reader set default_transaction_read_only = on;
alter role da_reader set statement_timeout = '60s';
