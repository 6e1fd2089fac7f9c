"""Any POS with a JSON API, by configuration alone: where to ask, how its pages go on, and what its documents mean."""
