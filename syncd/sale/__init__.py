"""The domain: a sale, what is known of its order, and the one decision of what follows. Pure; knows no HTTP and no database."""
