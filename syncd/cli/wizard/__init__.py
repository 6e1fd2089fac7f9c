"""``syncd init``: asks a shop owner for everything that syncd needs, tries each answer, and writes the config."""
