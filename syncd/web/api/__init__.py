"""The API: what the page shows, as JSON for programs. It reads, and changes nothing."""
