"""CSV exports: columns by name, rows of one sale wherever they stand, presets for what the systems really write."""
