"""The page that a shop looks at: what was synced, what waits, what needs a person. Forms and links; scripts only add to it."""
