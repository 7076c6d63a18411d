"""The only SQL: tables are private, views are the promise."""
