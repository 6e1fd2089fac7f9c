"""HTTP as both sides of the house need it: bounded in time and size, never redirected, never retried, verified.

``bigcommerce/`` builds its client on it, and the adapters of cloud POS systems theirs. Loaded when it is asked for.
"""
