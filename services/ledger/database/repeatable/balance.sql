-- The books are right by the database's own rules, whatever the service does. Checked as a transaction commits:
-- an entry has the postings that it says, they are 0 in each fund and currency, each in its account's currency, and the
-- entry's period was open when it was posted. Rows of a copy keep the time at which they were posted, so that they can
-- be restored in any order.
create or replace function ledger.check_entry(entry uuid) returns void language plpgsql as $body$
declare
    head record;
    month record;
    wrong record;
    found_lines integer;
begin
    select * into head from ledger.journal_entry where id = entry;
    select count(*) into found_lines from ledger.posting where entry_id = entry;
    if head.id is null or found_lines <> head.lines then
        raise exception 'Entry % says % postings and has %.', entry, head.lines, found_lines
            using errcode = 'check_violation', table = 'posting', constraint = 'posting_complete';
    end if;
    select fund_id, currency, sum(amount) as rest into wrong from ledger.posting where entry_id = entry
        group by fund_id, currency having sum(amount) <> 0 limit 1;
    if found then
        raise exception 'Entry % does not balance: fund % has % % left.', entry, wrong.fund_id, wrong.rest, wrong.currency
            using errcode = 'check_violation', table = 'posting', constraint = 'posting_balanced';
    end if;
    select p.position, p.currency as given, a.currency as wanted into wrong from ledger.posting p
        join ledger.account a on a.id = p.account_id where p.entry_id = entry and p.currency <> a.currency limit 1;
    if found then
        raise exception 'Posting % of entry % is in %, and its account in %.', wrong.position, entry, wrong.given, wrong.wanted
            using errcode = 'check_violation', table = 'posting', constraint = 'posting_in_the_currency';
    end if;
    select * into month from ledger.accounting_period where id = head.period_id;
    if date_trunc('month', head.booked_on) <> month.starts_on then
        raise exception 'Entry % is of %, which is not in the month from %.', entry, head.booked_on, month.starts_on
            using errcode = 'check_violation', table = 'journal_entry', constraint = 'journal_entry_in_its_period';
    end if;
    if month.prepared_at <= head.posted_at then
        raise exception 'The month from % takes no entries any more.', month.starts_on
            using errcode = 'check_violation', table = 'journal_entry', constraint = 'journal_entry_period_open';
    end if;
end
$body$;

create or replace function ledger.check_entry_row() returns trigger language plpgsql as $body$
begin
    perform ledger.check_entry(new.id);
    return null;
end
$body$;

create or replace function ledger.check_posting_row() returns trigger language plpgsql as $body$
begin
    -- Once for each entry: by its first posting, or by one that came later.
    if new.position = 1 or new.position > (select lines from ledger.journal_entry where id = new.entry_id) then
        perform ledger.check_entry(new.entry_id);
    end if;
    return null;
end
$body$;

create constraint trigger balanced after insert on ledger.posting deferrable initially deferred
    for each row execute function ledger.check_posting_row();

create constraint trigger complete after insert on ledger.journal_entry deferrable initially deferred
    for each row execute function ledger.check_entry_row();

-- The lock makes a closing wait for entries that are being posted, and the other way round. The time is that of the
-- lock: now() is when the transaction began, which may be before a closing that it didn't see.
create or replace function ledger.hold_period() returns trigger language plpgsql as $body$
begin
    perform 1 from ledger.accounting_period where id = new.period_id for share;
    if new.posted_at = now() then
        new.posted_at := clock_timestamp();
    end if;
    return new;
end
$body$;

create or replace trigger hold_period before insert on ledger.journal_entry
    for each row execute function ledger.hold_period();

create or replace function ledger.begin_closing() returns trigger language plpgsql as $body$
begin
    new.prepared_at := clock_timestamp();
    return new;
end
$body$;

create or replace trigger begin_closing before update of state on ledger.accounting_period
    for each row when (old.state = 'open' and new.state = 'closing') execute function ledger.begin_closing();

create or replace function ledger.refuse_change() returns trigger language plpgsql as $body$
begin
    raise exception 'Rows of ledger.% are never changed or deleted; reverse the entry.', tg_table_name
        using errcode = 'restrict_violation';
end
$body$;

create or replace trigger append_only before update or delete on ledger.journal_entry
    for each row execute function ledger.refuse_change();

create or replace trigger append_only before update or delete on ledger.posting
    for each row execute function ledger.refuse_change();

create or replace trigger not_emptied before truncate on ledger.journal_entry
    for each statement execute function ledger.refuse_change();

create or replace trigger not_emptied before truncate on ledger.posting
    for each statement execute function ledger.refuse_change();

create or replace function ledger.refuse_change_of_frozen() returns trigger language plpgsql as $body$
begin
    raise exception 'A frozen pack is never changed or deleted; freeze the next one.'
        using errcode = 'restrict_violation';
end
$body$;

create or replace trigger frozen before update or delete on ledger.board_pack
    for each row when (old.state = 'frozen') execute function ledger.refuse_change_of_frozen();
