"""`tdm-audit serve`: an audit database in the browser, read only, on Datasette with our pages.

Rules for editors:

- Everything that a database holds was written by strangers: it leaves as escaped text, and never as
  a link that leads away from this server.
- SQL of a user runs on connections that `sandbox.restrict` has prepared, and on no others.
- Pages have no script and no inline style, so that the policy of `gate` can forbid both.
"""
