"""A small web on loopback that reserves, permits, contradicts itself and misbehaves.

`SITES` are the hosts with the answers an audit must give, `LoopbackWeb` serves them and
`write_dataset` writes a dataset that points at all of them.
"""

from crawler.demo.dataset import write_dataset
from crawler.demo.server import LoopbackWeb
from crawler.demo.site import Site
from crawler.demo.web import SITES

__all__ = ["SITES", "LoopbackWeb", "Site", "write_dataset"]
