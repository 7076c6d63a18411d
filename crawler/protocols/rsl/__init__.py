"""RSL 1.0, Really Simple Licensing (https://rslstandard.org/rsl): the document and its carriers."""
