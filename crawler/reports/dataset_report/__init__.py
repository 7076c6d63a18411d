"""The report on a dataset: one `Report` value from the public views, and its renderings."""
