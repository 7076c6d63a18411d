"""Robots directives about training, as vendors document them for `X-Robots-Tag` and `<meta>`."""
