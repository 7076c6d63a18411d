"""Reports: exports of views, tables, and explanations as text and JSON."""
