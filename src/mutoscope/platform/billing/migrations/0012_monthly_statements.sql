-- A statement that was issued stays as it was issued, whoever writes.
CREATE FUNCTION billing_monthly_statement_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a monthly statement is neither changed nor deleted: issue one that corrects it';
END $$;
CREATE TRIGGER billing_monthly_statement_stays BEFORE UPDATE OR DELETE ON billing_monthlystatement
    FOR EACH ROW EXECUTE FUNCTION billing_monthly_statement_stays();
