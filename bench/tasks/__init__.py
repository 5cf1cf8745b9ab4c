"""The task queue against its peers and against a bare loop of SQL."""
