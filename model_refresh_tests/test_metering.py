"""A meter counts this process and the children that it waited for, from its start on."""

import subprocess
import sys
import time

from model_refresh.metering import Meter

BURN = "import time; end = time.process_time() + 0.2\nwhile time.process_time() < end: pass"


def test_time_and_work_are_counted_from_the_start() -> None:
    meter = Meter.start()
    end = time.process_time() + 0.05
    while time.process_time() < end:
        pass
    time.sleep(0.02)
    cost = meter.cost
    assert cost.cpu_seconds >= 0.05
    assert cost.seconds >= 0.07


def test_a_child_that_was_waited_for_counts() -> None:
    meter = Meter.start()
    subprocess.run([sys.executable, "-S", "-c", BURN], check=True)
    assert meter.cost.cpu_seconds >= 0.2


def test_the_peak_of_memory_begins_anew() -> None:
    first = Meter.start()
    large = bytearray(200 << 20)
    large[::4096] = b"x" * len(large[::4096])
    peak = first.cost.peak_mib
    del large
    assert peak >= 200
    assert Meter.start().cost.peak_mib < peak - 100
