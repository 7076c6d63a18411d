"""Measurements that somebody can repeat: what they show, and how to run them, is in README.md."""
