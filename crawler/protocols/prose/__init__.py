"""Natural language that may reserve (Directive (EU) 2019/790, recital 18): found by patterns."""
