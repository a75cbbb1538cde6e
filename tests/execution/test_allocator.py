"""Memory that a step frees is there for the next one, without the kernel's zeros."""

from __future__ import annotations

import subprocess
import sys

import pytest

from bench.execution.allocator import keep_freed_memory

PAGES = """
import resource, sys
import torch
from bench.execution.allocator import keep_freed_memory

if sys.argv[1] == "kept" and not keep_freed_memory():
    sys.exit(3)

def step():
    pieces = [torch.ones(1 << 24) for _ in range(4)]  # of 64 MiB: glibc by itself never keeps pieces over 32
    del pieces

for _ in range(5):
    step()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(5):
    step()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def fresh_pages(how: str) -> int:
    done = subprocess.run([sys.executable, "-c", PAGES, how], capture_output=True, text=True, check=False, timeout=120)
    if done.returncode == 3:
        pytest.skip("the C library has no mallopt that takes these values")
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's allocator")
def test_a_step_gets_back_the_pages_of_the_one_before() -> None:
    assert fresh_pages("kept") * 4 < fresh_pages("given back")


def test_nothing_happens_where_there_is_another_allocator(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert not keep_freed_memory()
