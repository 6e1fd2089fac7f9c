"""Questions that only a live store can answer, asked of a trial store, and what its answers change in how stores are treated."""
