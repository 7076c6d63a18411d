"""The audit database (SQLite): tables are private, the views are the public interface."""
