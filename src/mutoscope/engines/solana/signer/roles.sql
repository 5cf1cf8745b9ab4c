-- Who may do what. {signer} holds the seeds and moves jobs; {web}, which web and workers use, asks and reads, and sees no seed.
REVOKE ALL ON solana_sealed_seed, solana_wallet, solana_signer_job, solana_signer_attempt, solana_signer_leg, solana_signer_event,
    solana_signer_report FROM PUBLIC, {web}, {signer};

GRANT SELECT, INSERT, UPDATE ON solana_sealed_seed, solana_wallet, solana_signer_attempt, solana_signer_leg, solana_signer_report TO {signer};
GRANT SELECT, INSERT ON solana_signer_event TO {signer};
GRANT SELECT, UPDATE ON solana_signer_job TO {signer};

GRANT SELECT ON solana_wallet, solana_signer_job, solana_signer_attempt, solana_signer_leg, solana_signer_event, solana_signer_report TO {web};
-- A claim, and nothing else of a wallet: whoever could change its address would be paid in its place.
GRANT UPDATE (reference, claimed_at) ON solana_wallet TO {web};
-- What is asked; the state of a job is the signer's.
GRANT INSERT ON solana_signer_job TO {web};
-- Delivery of the outbox.
GRANT UPDATE (delivered_at) ON solana_signer_event TO {web};

-- Which release made the tables: neither starts on another one's.
REVOKE ALL ON django_migrations FROM {web}, {signer};
GRANT SELECT ON django_migrations TO {web}, {signer};

GRANT USAGE ON ALL SEQUENCES IN SCHEMA {schema} TO {web}, {signer};
