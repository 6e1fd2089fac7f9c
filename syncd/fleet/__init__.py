"""Many stores on many machines: equal workers over one ledger on PostgreSQL, woken by a queue whose jobs are mere hints."""
