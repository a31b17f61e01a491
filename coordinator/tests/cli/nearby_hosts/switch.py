"""A switch between ports of a network namespace, given by name; each frame goes out of all others.

Words on standard input change the way of every frame from then on, and are answered with "ok":
    slow MILLIS PERCENT    each takes so long, and of a hundred so many are lost, by a seed
    plug PORT up|down      nothing comes from or goes to a port

Kernels have this too (a bridge, and tc netem), but not all of them were built with it.
"""

import heapq
import random
import selectors
import socket
import sys
import time

ETH_P_ALL = 3
IPV4 = b"\x08\x00"
UDP = 17
PACKET_OUTGOING = 4
FRAME_MAX = 65536
WAITING_MAX = 10_000


def without_checksum(frame: bytes) -> bytes:
    """Senders leave the checksum to a network card that is not there; none at all is valid too."""
    if frame[12:14] != IPV4 or frame[23] != UDP:
        return frame
    at = 14 + 4 * (frame[14] & 15) + 6
    is_first_fragment = frame[20] & 31 == 0 and frame[21] == 0
    return frame[:at] + b"\0\0" + frame[at + 2 :] if is_first_fragment else frame


class Switch:
    def __init__(self, names):
        self.ports = {}
        self.unplugged = set()
        self.delay, self.loss = 0.0, 0
        self.waiting, self.count = [], 0
        self.chance = random.Random(18)
        self.selector = selectors.DefaultSelector()
        for name in names:
            port = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
            port.bind((name, 0))
            port.setblocking(False)
            self.ports[name] = port
            self.selector.register(port, selectors.EVENT_READ, name)
        self.selector.register(sys.stdin.fileno(), selectors.EVENT_READ, None)

    def obey(self, words):
        if words[0] == "slow":
            self.delay, self.loss = int(words[1]) / 1000, int(words[2])
        elif words[2] == "up":
            self.unplugged.discard(words[1])
        else:
            self.unplugged.add(words[1])
        print("ok", flush=True)

    def take(self, name):
        while True:
            try:
                frame, origin = self.ports[name].recvfrom(FRAME_MAX)
            except BlockingIOError:
                return
            is_lost = self.chance.randrange(100) < self.loss
            if origin[2] == PACKET_OUTGOING or is_lost or len(self.waiting) >= WAITING_MAX:
                continue
            self.count += 1
            due = time.monotonic() + self.delay
            heapq.heappush(self.waiting, (due, self.count, name, without_checksum(frame)))

    def give(self):
        while self.waiting and self.waiting[0][0] <= time.monotonic():
            _, _, origin, frame = heapq.heappop(self.waiting)
            if origin in self.unplugged:
                continue
            for name, port in self.ports.items():
                if name != origin and name not in self.unplugged:
                    try:
                        port.send(frame)
                    except OSError:
                        pass  # as a cable would, it loses what does not fit

    def run(self):
        print("ok", flush=True)
        while True:
            due = self.waiting[0][0] - time.monotonic() if self.waiting else None
            for key, _ in self.selector.select(None if due is None else max(due, 0)):
                if key.data is not None:
                    self.take(key.data)
                    continue
                line = sys.stdin.buffer.raw.readline()
                if not line:
                    return
                self.obey(line.decode().split())
            self.give()


Switch(sys.argv[1:]).run()
