"""Ports for servers that tests and scripts start."""

import contextlib
import pathlib
import random
import socket


def free_ports(count, host="127.0.0.1"):
    """Ports that differ, and that nobody listens on; below those that the kernel gives to whoever asks for any, where
    there are such, so that a server that is down for a while finds its port again."""
    low = int(pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    candidates = range(10000, low) if low > 12000 else range(20000, 60000)
    with contextlib.ExitStack() as held:
        ports = []
        for port in random.sample(candidates, 1000):
            probe = held.enter_context(socket.socket())
            with contextlib.suppress(OSError):
                probe.bind((host, port))
                ports.append(port)
            if len(ports) == count:
                return ports
    raise RuntimeError(f"no {count} free ports on {host}")


def on_free_ports(script):
    """The script of a document, with ports of its own for those that documents name."""
    for port, free in zip(("2575", "8080"), free_ports(2)):
        script = script.replace(f"127.0.0.1:{port}", f"127.0.0.1:{free}")
    return script
