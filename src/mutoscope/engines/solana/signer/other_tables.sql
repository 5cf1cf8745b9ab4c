-- The rows of every table; roles.sql, which runs after this, takes back what {web} must not have. {signer} gets nothing here.
GRANT USAGE ON SCHEMA {schema} TO {web}, {signer};
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {web};
GRANT USAGE, SELECT, UPDATE ON ALL SEQUENCES IN SCHEMA {schema} TO {web};
