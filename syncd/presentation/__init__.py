"""What people are told, in words: the same on the command line and on the page. Asks the ledger, prints nothing."""
