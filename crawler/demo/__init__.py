"""Demo: a small web on loopback that reserves, permits, contradicts itself and misbehaves.

`SITES` lists the hosts with the findings that an audit must give, `LoopbackWeb` serves them and
`write_dataset` writes a dataset with URLs of all of them.
"""

from crawler.demo.dataset import write_dataset
from crawler.demo.server import LoopbackWeb
from crawler.demo.site import Site
from crawler.demo.web import SITES

__all__ = ["SITES", "LoopbackWeb", "Site", "write_dataset"]
