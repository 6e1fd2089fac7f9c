"""For adapter authors and tests: builders of sales. Imported by no other room."""
