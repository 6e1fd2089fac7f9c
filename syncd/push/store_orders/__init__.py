"""What a store has: one scan of its orders, and the comparisons that are made of it."""
