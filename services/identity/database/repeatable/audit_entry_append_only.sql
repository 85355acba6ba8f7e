-- What was recorded stays: neither the service nor a mistake in its code can change or delete an entry.
create or replace function identity.refuse_change() returns trigger language plpgsql as $body$
begin
    raise exception 'Rows of identity.% are never changed or deleted.', tg_table_name using errcode = 'restrict_violation';
end
$body$;

create or replace trigger append_only before update or delete on identity.audit_entry
    for each row execute function identity.refuse_change();
