"""Merkle trees of RFC 6962, 2.1: one digest for many leaves, and a short proof for each of them.

Leaves are SHA-256 digests in ascending order, so that a tree depends on what it holds alone.
"""

import hashlib
from collections.abc import Sequence

#: The root of a tree without leaves.
EMPTY = hashlib.sha256(b"").digest()


def root(leaves: Sequence[bytes]) -> bytes:
    """Return the root of a tree over leaves, in their order."""
    level = [hashlib.sha256(b"\0" + leaf).digest() for leaf in leaves]
    if not level:
        return EMPTY
    # Pairs of neighbours, level by level: a last one without a neighbour goes up as it is. That
    # is the tree of the RFC, whose left part is the largest power of two.
    while len(level) > 1:
        level = _parents(level)
    return level[0]


def _parents(level: list[bytes]) -> list[bytes]:
    sha256 = hashlib.sha256
    above = [
        sha256(b"\1" + left + right).digest()
        for left, right in zip(level[::2], level[1::2], strict=False)
    ]
    return [*above, level[-1]] if len(level) % 2 else above


def proof(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """Return the audit path of a leaf (RFC 6962, 2.1.1), from its neighbour to the top."""
    level = [hashlib.sha256(b"\0" + leaf).digest() for leaf in leaves]
    path = []
    while len(level) > 1:
        neighbour = index ^ 1
        if neighbour < len(level):
            path.append(level[neighbour])
        level, index = _parents(level), index // 2
    return path


def root_of_proof(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes | None:
    """Return the root that an audit path leads to (RFC 9162, 2.1.3.2); None if it cannot be one."""
    digest = hashlib.sha256(b"\0" + leaf).digest()
    if not 0 <= index < size:
        return None
    last = size - 1
    for node in path:
        if not last:
            return None
        if index % 2 or index == last:
            digest = hashlib.sha256(b"\1" + node + digest).digest()
            while index % 2 == 0 and index:
                index, last = index >> 1, last >> 1
        else:
            digest = hashlib.sha256(b"\1" + digest + node).digest()
        index, last = index >> 1, last >> 1
    return None if last else digest
