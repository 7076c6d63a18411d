"""robots.txt (RFC 9309, September 2022), and the records that other drafts put into it."""
