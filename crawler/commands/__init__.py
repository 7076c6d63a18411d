"""One module for each command of `tdm-audit`: what it does, without reading options or printing."""
