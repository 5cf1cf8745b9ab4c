-- For a role that may post and look, and touch no table: the functions run with their owner's rights, in a search path that
-- nobody can bend. It costs each posting some microseconds for changing the search path and back.
ALTER FUNCTION ledger_apply_payment SECURITY DEFINER SET search_path = {schema}, pg_temp;
ALTER FUNCTION ledger_apply_posting SECURITY DEFINER SET search_path = {schema}, pg_temp;
ALTER FUNCTION ledger_apply_batch SECURITY DEFINER SET search_path = {schema}, pg_temp;
ALTER FUNCTION ledger_post SECURITY DEFINER SET search_path = {schema}, pg_temp;
ALTER FUNCTION ledger_post_many SECURITY DEFINER SET search_path = {schema}, pg_temp;
ALTER FUNCTION ledger_refer SECURITY DEFINER SET search_path = {schema}, pg_temp;
ALTER FUNCTION ledger_expire_holds SECURITY DEFINER SET search_path = {schema}, pg_temp;
ALTER FUNCTION ledger_open_account SECURITY DEFINER SET search_path = {schema}, pg_temp;
-- What the role was allowed before, here or by hand, it is allowed no more.
REVOKE ALL ON ledger_account, ledger_sub_balance, ledger_journal, ledger_entry_apart, ledger_reference, ledger_backdated, ledger_open_hold,
    ledger_seal, ledger_snapshot, ledger_transfer, ledger_entry, ledger_payment, ledger_posting, ledger_batch, ledger_opening,
    ledger_sealing FROM {role};
REVOKE ALL ON SEQUENCE {schema}.ledger_account_id_seq, {schema}.ledger_journal_id_seq FROM {role};
REVOKE EXECUTE ON FUNCTION ledger_post, ledger_post_many, ledger_refer, ledger_expire_holds, ledger_open_account FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ledger_post, ledger_post_many, ledger_refer, ledger_expire_holds, ledger_open_account TO {role};
GRANT SELECT ON ledger_account, ledger_sub_balance, ledger_journal, ledger_entry_apart, ledger_reference, ledger_backdated, ledger_open_hold,
    ledger_seal, ledger_snapshot, ledger_transfer, ledger_entry TO {role};
GRANT INSERT, SELECT ON ledger_payment, ledger_posting, ledger_batch TO {role};
