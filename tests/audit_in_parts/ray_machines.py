"""A Ray with several nodes on this machine, in a process of its own: `main` takes lines of JSON.

The head has no processor, so that work is done on the nodes that are added.
"""

import json
import os
import select
import subprocess
import sys
import tempfile

from tests.audit_in_parts.interrupting import kill, tree
from tests.conftest import ROOT, patience

_STARTS = 120  # seconds until a node runs, on a machine that is idle


class Machines:
    """Starts nodes and removes them. `env` is what a command needs to join."""

    def __enter__(self):
        # Paths of sockets are short: at most 107 octets with all that Ray adds.
        self._folder = tempfile.TemporaryDirectory(prefix="tdm-ray-")
        env = environment(self._folder.name) | {"PYTHONPATH": str(ROOT)}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.audit_in_parts.ray_machines"],
            cwd=ROOT,
            env=os.environ | env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
        )
        self.env = env | {"RAY_ADDRESS": self._message()["address"]}
        return self

    def __exit__(self, *_error):
        kill(tree(self._process.pid)[1:])
        self._process.kill()
        self._process.communicate()
        self._folder.cleanup()

    def add(self, cores):
        """Add a node, and return the process id of its raylet."""
        return self._ask({"add": cores})["raylet"]

    def remove_all(self):
        """Remove all nodes but the head."""
        self._ask({"remove": "all"})

    def _ask(self, task):
        self._process.stdin.write(json.dumps(task).encode() + b"\n")
        return self._message()

    def _message(self):
        ready = select.select([self._process.stdout], [], [], patience(_STARTS))[0]
        line = self._process.stdout.readline() if ready else b""
        assert line, "Ray does not start"
        return json.loads(line)


def environment(folder):
    """Return variables by which a Ray keeps its files in a folder, and asks for no token."""
    return {
        "RAY_TMPDIR": folder,
        "RAY_AUTH_MODE": "disabled",
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_agent_register_timeout_ms": "300000",
    }


def main():
    """Start a head, then nodes as lines on standard input ask for."""
    from ray.cluster_utils import Cluster

    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    few = {"object_store_memory": 80 << 20, "include_dashboard": False}
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, **few})
    print(json.dumps({"address": cluster.address}), file=answers)
    nodes = []
    for line in sys.stdin:
        task = json.loads(line)
        if "add" in task:
            nodes.append(cluster.add_node(num_cpus=task["add"], **few))
            [raylet] = nodes[-1].all_processes["raylet"]
            print(json.dumps({"raylet": raylet.process.pid}), file=answers)
        else:
            while nodes:
                cluster.remove_node(nodes.pop(), allow_graceful=False)
            print("{}", file=answers)


if __name__ == "__main__":
    main()
