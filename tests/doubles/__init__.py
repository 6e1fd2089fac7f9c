"""Small servers that behave as the POS vendors' documents say: for the adapters' tests, fed from real samples or from a seed."""
