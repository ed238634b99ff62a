"""The file that keeps what was spent."""

from __future__ import annotations

import os

from hud.realtime.budget import Budget
from hud.spending import open_account


def test_what_was_spent_is_on_the_disk_before_it_takes_the_place_of_the_old_file(
    tmp_path, monkeypatch
):
    path, synced = tmp_path / "spending.json", []
    fsync = os.fsync

    def watched(descriptor):
        fsync(descriptor)
        there = path.exists() and path.stat().st_ino
        synced.append((os.fstat(descriptor).st_ino, os.fstat(descriptor).st_size, there))

    monkeypatch.setattr(os, "fsync", watched)
    with open_account(Budget([]), path, 0.0) as account:
        account.save(account.state())
    ((fresh, size, before),) = synced
    assert before is False
    assert (path.stat().st_ino, path.stat().st_size) == (fresh, size)
